package wire

import (
	"encoding/binary"
	"fmt"
)

// A Type is the first byte of a control message. Who may send it: W the peer that wants (it opened the
// streams), H the holder.
type Type uint8

// The types. Others are skipped; those from 128 on are for messages that an extension in both Hellos
// has agreed on.
const (
	TypeHello         Type = 1  // both, first
	TypeOpen          Type = 2  // W
	TypeOpened        Type = 3  // H
	TypeRefused       Type = 4  // H
	TypeClose         Type = 5  // W
	TypeGetManifest   Type = 6  // W
	TypeHaveBits      Type = 7  // both
	TypeHaveLeaves    Type = 8  // both
	TypeWithdrawn     Type = 9  // H
	TypeRequest       Type = 10 // W
	TypeRequestBlock  Type = 11 // W
	TypeCancel        Type = 12 // W
	TypeCancelBlock   Type = 13 // W
	TypeReject        Type = 14 // H
	TypeRejectBlock   Type = 15 // H
	TypeComplaint     Type = 16 // W
	TypeChoke         Type = 17 // H
	TypeUnchoke       Type = 18 // H
	TypeInterested    Type = 19 // W
	TypeNotInterested Type = 20 // W
	TypeSuggest       Type = 21 // H

	TypePeers    Type = 128 // both; ExtensionPeers
	TypeGetPeers Type = 129 // W; ExtensionPeers
)

// A Message is one of the structs of this package, by value.
type Message interface {
	Type() Type
	appendBody(dst []byte) []byte
}

// Append adds m as it goes on the wire: the length of what follows, its type, its body. It does not check
// m against the limits; a Writer does.
func Append(dst []byte, m Message) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, lengthRoom)...)
	dst = append(dst, byte(m.Type()))
	dst = m.appendBody(dst)
	n := len(dst) - start - lengthRoom
	var length [binary.MaxVarintLen64]byte
	k := binary.PutUvarint(length[:], uint64(n))
	if k > lengthRoom { // beyond MaxMessage: keep it well-formed, so that the length says so
		dst = append(dst, make([]byte, k-lengthRoom)...)
	}
	copy(dst[start+k:], dst[start+lengthRoom:start+lengthRoom+n])
	copy(dst[start:], length[:k])
	return dst[:start+k+n]
}

// lengthRoom is the bytes that the length of a message within MaxMessage takes at most.
const lengthRoom = 3

// Decode reads the body of a message of type t and keeps nothing of it. Of an unknown type it returns
// nil and no error.
func Decode(t Type, body []byte) (Message, error) {
	c := cursor{b: body}
	m := c.message(t)
	if m == nil {
		return nil, nil
	}
	if len(c.b) > 0 {
		c.fail("%d bytes too many", len(c.b))
	}
	if c.err != nil {
		return nil, fmt.Errorf("%v: %w", t, c.err)
	}
	return m, nil
}

func (c *cursor) message(t Type) Message {
	switch t {
	case TypeHello:
		return c.hello()
	case TypeOpen:
		return c.open()
	case TypeOpened:
		return c.opened()
	case TypeRefused:
		return c.refused()
	case TypeClose:
		return Close{c.channel()}
	case TypeGetManifest:
		return c.getManifest()
	case TypeHaveBits:
		return c.haveBits()
	case TypeHaveLeaves:
		return HaveLeaves{c.channel(), c.ranges(MaxHaveRanges, maxNamed)}
	case TypeWithdrawn:
		return Withdrawn{c.channel(), c.ranges(MaxHaveRanges, maxNamed)}
	case TypeRequest:
		return Request{c.channel(), c.ranges(MaxRanges, MaxRequest)}
	case TypeRequestBlock:
		return RequestBlock{c.channel(), c.tag(), c.cid("block")}
	case TypeCancel:
		return Cancel{c.channel(), c.ranges(MaxRanges, MaxRequest)}
	case TypeCancelBlock:
		return CancelBlock{c.channel(), c.tag()}
	case TypeReject:
		return Reject{c.channel(), c.ranges(MaxRanges, MaxRequest), c.rejectReason()}
	case TypeRejectBlock:
		return RejectBlock{c.channel(), c.tag(), c.rejectReason()}
	case TypeComplaint:
		return Complaint{c.channel(), uint32(c.uvarint("leaf", MaxLeaves-1))}
	case TypeChoke:
		return Choke{c.channel()}
	case TypeUnchoke:
		return Unchoke{c.channel()}
	case TypeInterested:
		return Interested{c.channel()}
	case TypeNotInterested:
		return NotInterested{c.channel()}
	case TypeSuggest:
		return c.suggest()
	case TypePeers:
		return c.peers()
	case TypeGetPeers:
		return GetPeers{c.channel()}
	}
	return nil
}
