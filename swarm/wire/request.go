package wire

import (
	"encoding/binary"
	"math"

	"github.com/ipfs/go-cid"
)

// Request asks for leaves. Each is answered by its bytes on the data stream or named in a Reject, in
// whatever order suits the holder, though it should keep the order it was asked in.
type Request struct {
	Channel uint32
	Leaves  []Range
}

// RequestBlock asks for any block of the root's DAG by its CID. Tag names it in the answer; it is the
// wanter's choice and not in use for another block.
type RequestBlock struct {
	Channel uint32
	Tag     uint64
	Block   cid.Cid
}

// Cancel takes requests back. What is under way may still come, and the rest is not answered.
type Cancel struct {
	Channel uint32
	Leaves  []Range
}

// CancelBlock takes a RequestBlock back.
type CancelBlock struct {
	Channel uint32
	Tag     uint64
}

// Reject says that these requests will not be answered.
type Reject struct {
	Channel uint32
	Leaves  []Range
	Reason  Rejection
}

// RejectBlock is Reject for a RequestBlock.
type RejectBlock struct {
	Channel uint32
	Tag     uint64
	Reason  Rejection
}

// A Rejection says why a request is not answered. Others than these mean: not now.
type Rejection uint8

// The reasons.
const (
	RejectedChoked     Rejection = 1 // ask again when unchoked
	RejectedNotHere    Rejection = 2 // the holder does not have it
	RejectedOverloaded Rejection = 3 // beyond the limits of Hello, or no room now
	RejectedWithdrawn  Rejection = 4 // it had it, and its file has changed
	RejectedElsewhere  Rejection = 5 // somebody else was sent it or is; see Suggest
)

// Type is TypeRequest.
func (Request) Type() Type { return TypeRequest }

// Type is TypeRequestBlock.
func (RequestBlock) Type() Type { return TypeRequestBlock }

// Type is TypeCancel.
func (Cancel) Type() Type { return TypeCancel }

// Type is TypeCancelBlock.
func (CancelBlock) Type() Type { return TypeCancelBlock }

// Type is TypeReject.
func (Reject) Type() Type { return TypeReject }

// Type is TypeRejectBlock.
func (RejectBlock) Type() Type { return TypeRejectBlock }

func (m Request) appendBody(dst []byte) []byte {
	return appendRanges(appendUint(dst, m.Channel), m.Leaves)
}

func (m RequestBlock) appendBody(dst []byte) []byte {
	return appendBytes(appendTag(dst, m.Channel, m.Tag), m.Block.Bytes())
}

func (m Cancel) appendBody(dst []byte) []byte {
	return appendRanges(appendUint(dst, m.Channel), m.Leaves)
}

func (m CancelBlock) appendBody(dst []byte) []byte { return appendTag(dst, m.Channel, m.Tag) }

func (m Reject) appendBody(dst []byte) []byte {
	return append(appendRanges(appendUint(dst, m.Channel), m.Leaves), byte(m.Reason))
}

func (m RejectBlock) appendBody(dst []byte) []byte {
	return append(appendTag(dst, m.Channel, m.Tag), byte(m.Reason))
}

func appendTag(dst []byte, channel uint32, tag uint64) []byte {
	return binary.AppendUvarint(appendUint(dst, channel), tag)
}

func (c *cursor) tag() uint64 { return c.uvarint("tag", math.MaxUint64) }

func (c *cursor) rejectReason() Rejection { return Rejection(c.byte("reason")) }
