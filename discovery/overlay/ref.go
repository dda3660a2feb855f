package overlay

// A Handle is a driver's number for one node, smaller than 2^32. Zero is nobody.
type Handle uint32

// A Ref refers to a node of an overlay. The id follows from the peer's id, which the driver's table holds with its
// addresses; the driver found them to agree before a machine sees the Ref. Two Refs of one driver are equal exactly if
// they are of the same node. The zero Ref is nobody.
type Ref struct {
	ID     Key
	Handle Handle
}

// IsZero reports whether r is nobody.
func (r Ref) IsZero() bool { return r.Handle == 0 }

// String returns the beginning of the id, or "-" for nobody.
func (r Ref) String() string {
	if r.IsZero() {
		return "-"
	}
	return r.ID.Short()
}
