package manifest

import (
	"fmt"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// LieError says that the sender, and not the DAG, is at fault. Its kind is fault.Corrupt. The
// Builder that returned it has not moved: another sender can go on.
type LieError struct {
	Cid cid.Cid // the block it lied about
	Why string
}

// Error names the block and what is wrong.
func (e *LieError) Error() string { return "sender lied about block " + e.Cid.String() + ": " + e.Why }

func lie(c cid.Cid, why string) error { return fault.Mark(fault.Corrupt, &LieError{c, why}) }

// CheckLeaf says whether a block that has arrived, and whose hash is right, really is the leaf that
// a sender claimed: a *LieError when it is an inner node or not of the claimed size.
func CheckLeaf(e Entry, block []byte) error {
	if uint64(len(block)) != uint64(e.Size) {
		return lie(e.Cid, "a leaf of another size was claimed")
	}
	if e.Cid.Type() == cid.Raw {
		return nil
	}
	n, err := unixfs.Parse(e.Cid, block)
	if err != nil {
		return err
	}
	if !n.IsLeaf() {
		return lie(e.Cid, "claimed as a leaf, it is a "+n.Kind.String()+" with links or no file")
	}
	return nil
}

// tooLarge says why a size is a lie. No page can prove one: the block would have to be sent.
func tooLarge(size uint64) string {
	return fmt.Sprintf("limit: bytes of a block: at most %d are accepted, it says %d", contentaddr.MaxBlock, size)
}
