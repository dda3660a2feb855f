package pastry

import (
	"encoding/binary"
	"math/bits"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// idBits is the length of a Pastry id (§2): the first bits of an overlay.Key.
const idBits = 128

// An id is a place on the ring of 2^128.
type id struct{ hi, lo uint64 }

func idOf(k overlay.Key) id {
	return id{binary.BigEndian.Uint64(k[:]), binary.BigEndian.Uint64(k[8:])}
}

// minus returns how far a is from b, clockwise.
func (a id) minus(b id) id {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return id{hi, lo}
}

func (a id) less(b id) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

// distance returns how far a is from b, the shorter way.
func (a id) distance(b id) id {
	cw, ccw := a.minus(b), b.minus(a)
	if ccw.less(cw) {
		return ccw
	}
	return cw
}

// closer reports whether a is numerically closer to key than b. Of two that are equally far the smaller is.
func closer(key, a, b id) bool {
	da, db := a.distance(key), b.distance(key)
	return da.less(db) || da == db && a.less(b)
}

// shared returns how many digits of b bits a and c have in common before the first that differs.
func shared(a, c id, b int) int {
	n := bits.LeadingZeros64(a.hi ^ c.hi)
	if n == 64 {
		n += bits.LeadingZeros64(a.lo ^ c.lo)
	}
	return n / b
}

// digit returns digit number i of a key's id. A digit has b bits, and b divides 8.
func digit(k overlay.Key, i, b int) int {
	at := i * b
	return int(k[at/8]>>(8-b-at%8)) & (1<<b - 1)
}
