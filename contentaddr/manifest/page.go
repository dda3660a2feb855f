package manifest

import "github.com/ipfs/go-cid"

// MaxPage is the most bytes that a page may have.
const MaxPage = 4 << 20

// AppendPage appends the entries of m from index from on to dst, as many as fit in maxBytes and at
// least one, and returns how many. block returns the block of an inner entry.
func AppendPage(dst []byte, m *Manifest, from, maxBytes int, block func(c cid.Cid) ([]byte, error)) (out []byte, n int, err error) {
	panic("soon")
}

// ReadPage feeds page to b. keep stores each inner block after it has been verified and before b
// moves past it; the block is only valid during the call.
func ReadPage(page []byte, b *Builder, keep func(c cid.Cid, block []byte) error) error {
	panic("soon")
}
