package wire

import (
	"encoding/binary"
	"math"
)

// Hello is the first message in both directions. Its limits bind the other side: zero means none of it.
type Hello struct {
	Version    uint32
	Session    SessionID // the wanter's; the holder repeats it
	MaxOpen    uint32    // channels open at once
	MaxRequest uint32    // leaves and blocks asked for and not yet answered, on all channels
	MaxWindow  uint64    // bytes of these, on all channels
	Extensions []Extension
	Agent      string // name and version of the program, for people
}

// An Extension is something a peer can do beyond this protocol. Names are unique in a Hello and never
// empty; a peer ignores those that it does not know.
type Extension struct {
	Name  string
	Value []byte
}

// Type is TypeHello.
func (Hello) Type() Type { return TypeHello }

// Extension returns the value of the extension of that name.
func (h Hello) Extension(name string) ([]byte, bool) {
	for _, e := range h.Extensions {
		if e.Name == name {
			return e.Value, true
		}
	}
	return nil, false
}

func (h Hello) appendBody(dst []byte) []byte {
	dst = appendUint(dst, h.Version)
	dst = append(dst, h.Session[:]...)
	dst = appendUint(dst, h.MaxOpen)
	dst = appendUint(dst, h.MaxRequest)
	dst = binary.AppendUvarint(dst, h.MaxWindow)
	dst = appendUint(dst, uint32(len(h.Extensions)))
	for _, e := range h.Extensions {
		dst = appendBytes(appendBytes(dst, e.Name), e.Value)
	}
	return appendBytes(dst, h.Agent)
}

func (c *cursor) hello() Message {
	var h Hello
	h.Version = c.uint32("version")
	c.fixed("session", h.Session[:])
	h.MaxOpen = c.uint32("channels")
	h.MaxRequest = c.uint32("requests")
	h.MaxWindow = c.uvarint("window", math.MaxInt64)
	for range c.uvarint("extensions", MaxExtensions) {
		c.extension(&h)
	}
	h.Agent = c.text("agent", MaxAgent)
	return h
}

func (c *cursor) extension(h *Hello) {
	name := c.text("extension", MaxName)
	value := c.bytes("extension", MaxValue)
	if _, twice := h.Extension(name); twice || name == "" {
		c.fail("extension %q is empty or comes twice", name)
	}
	if c.err == nil {
		h.Extensions = append(h.Extensions, Extension{name, append([]byte(nil), value...)})
	}
}
