package wire

import "github.com/ipfs/go-cid"

// Open asks for a channel on a root. The wanter chooses the channel's number and uses none twice on
// one stream.
type Open struct {
	Channel uint32
	Root    cid.Cid
	Proof   []byte // of being allowed to have it; opaque, empty for now
}

// Opened grants a channel, and is sent again when the holder learns more of the manifest.
type Opened struct {
	Channel  uint32
	Complete bool     // the holder knows the whole manifest
	Entries  uint32   // of the manifest, known so far
	Leaves   uint32   // among them
	Digest   [32]byte // of the manifest; zero unless Complete
	Have     Have
}

// Refused refuses a channel, or ends an open one; requests on it are void.
type Refused struct {
	Channel uint32
	Reason  Refusal
	Text    string // for people
}

// Close ends a channel; requests on it are void.
type Close struct{ Channel uint32 }

// GetManifest asks for the manifest's entries from index From on, which is below the Entries that the
// holder has announced. The answer is one page on the data stream: as many entries as fit in MaxBytes,
// at least one.
type GetManifest struct {
	Channel, From uint32
	MaxBytes      uint32 // at most MaxPage
}

// Have is what the holder says of all leaves at once.
type Have uint8

// HaveUnknown leaves open which leaves the holder has: ask and see; said again, it changes nothing.
// HaveSome is followed by HaveBits messages for the leaves that it has.
const (
	HaveUnknown Have = 0
	HaveAll     Have = 1
	HaveNone    Have = 2
	HaveSome    Have = 3
)

// A Refusal says why a channel is refused. Others than these mean the same as RefusedRoot: no.
type Refusal uint8

// The reasons. A holder that must not tell whether it has a root says RefusedRoot.
const (
	RefusedRoot     Refusal = 1 // unknown here
	RefusedProof    Refusal = 2 // not allowed
	RefusedTooMany  Refusal = 3 // channels open: try later
	RefusedStopping Refusal = 4 // shutting down
)

// Type is TypeOpen.
func (Open) Type() Type { return TypeOpen }

// Type is TypeOpened.
func (Opened) Type() Type { return TypeOpened }

// Type is TypeRefused.
func (Refused) Type() Type { return TypeRefused }

// Type is TypeClose.
func (Close) Type() Type { return TypeClose }

// Type is TypeGetManifest.
func (GetManifest) Type() Type { return TypeGetManifest }

func (m Open) appendBody(dst []byte) []byte {
	dst = appendUint(dst, m.Channel)
	dst = appendBytes(dst, m.Root.Bytes())
	return appendBytes(dst, m.Proof)
}

func (m Opened) appendBody(dst []byte) []byte {
	dst = appendBool(appendUint(dst, m.Channel), m.Complete)
	dst = appendUint(appendUint(dst, m.Entries), m.Leaves)
	dst = append(dst, m.Digest[:]...)
	return append(dst, byte(m.Have))
}

func (m Refused) appendBody(dst []byte) []byte {
	dst = append(appendUint(dst, m.Channel), byte(m.Reason))
	return appendBytes(dst, m.Text)
}

func (m Close) appendBody(dst []byte) []byte { return appendUint(dst, m.Channel) }

func (m GetManifest) appendBody(dst []byte) []byte {
	return appendUint(appendUint(appendUint(dst, m.Channel), m.From), m.MaxBytes)
}

func (c *cursor) channel() uint32 { return c.uint32("channel") }

func (c *cursor) open() Message {
	m := Open{Channel: c.channel(), Root: c.cid("root")}
	m.Proof = append(m.Proof, c.bytes("proof", MaxProof)...)
	return m
}

func (c *cursor) opened() Message {
	m := Opened{Channel: c.channel(), Complete: c.bool("complete")}
	m.Entries = uint32(c.uvarint("entries", MaxLeaves))
	m.Leaves = uint32(c.uvarint("leaves", uint64(m.Entries)))
	c.fixed("digest", m.Digest[:])
	if m.Have = Have(c.byte("have")); m.Have > HaveSome {
		c.fail("have: %d is unknown", m.Have)
	}
	if !m.Complete && m.Digest != [32]byte{} {
		c.fail("the digest of an incomplete manifest")
	}
	return m
}

func (c *cursor) refused() Message {
	return Refused{c.channel(), Refusal(c.byte("reason")), c.text("text", MaxText)}
}

func (c *cursor) getManifest() Message {
	m := GetManifest{Channel: c.channel(), From: uint32(c.uvarint("from", MaxLeaves))}
	m.MaxBytes = uint32(c.uvarint("bytes", MaxPage))
	return m
}
