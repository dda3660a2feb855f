package overlay

import (
	"fmt"

	ma "github.com/multiformats/go-multiaddr"
)

// MaxRecordAddrs bounds the addresses in a provider's record.
const MaxRecordAddrs = 8

// AppendAddrs appends to b the payload of a provider's record: a CBOR sequence of their number and the addresses, binary.
// It leaves out those that are longer than MaxAddr, and the last ones where there are too many.
func AppendAddrs(b []byte, addrs []ma.Multiaddr) []byte {
	var list [][]byte
	size := 1
	for _, a := range addrs {
		raw := a.Bytes()
		if len(raw) == 0 || len(raw) > MaxAddr || size+bytesSize(len(raw)) > MaxPayload || len(list) == MaxRecordAddrs {
			continue
		}
		size += bytesSize(len(raw))
		list = append(list, raw)
	}
	c := Coder{mode: encoding}
	c.out.Write(b)
	c.addrs(&list)
	return c.out.Bytes()
}

// Addrs returns the addresses in the payload of a provider's record, without those of a kind that is not known here. They
// are the publisher's claim. The error wraps ErrMalformed.
func Addrs(payload []byte) ([]ma.Multiaddr, error) {
	c := Coder{mode: decoding, in: payload}
	var list [][]byte
	c.addrs(&list)
	if c.err == nil && len(c.in) > 0 {
		c.fail("%d bytes after its end", len(c.in))
	}
	if c.err != nil {
		return nil, fmt.Errorf("addresses: %w", c.err)
	}
	addrs := make([]ma.Multiaddr, 0, len(list))
	for _, raw := range list {
		if a, err := ma.NewMultiaddrBytes(raw); err == nil {
			addrs = append(addrs, a)
		}
	}
	return addrs, nil
}

func (c *Coder) addrs(list *[][]byte) {
	List(c, list, MaxRecordAddrs, func(c *Coder, a *[]byte) { c.Bytes(a, MaxAddr) })
}
