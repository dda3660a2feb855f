package manifest

import (
	"encoding/binary"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// link is one link of a node on the way.
type link struct {
	cid     cid.Cid
	payload int64 // bytes below it that the file node above claims; -1 below a folder
}

// frame holds the links of one node that are not followed yet, packed, as a path can be long and
// each of its nodes wide.
type frame struct {
	packed    []byte // each the payload + 1 and the length of the CID as uvarints, then the CID
	at        int
	fileDepth int // nodes of the file that the links are in; 0 below a folder; -1 above the root
}

func newFrame(links []link, fileDepth int) *frame {
	size := 0
	for _, l := range links {
		size += uvarintLen(uint64(l.payload+1)) + 1 + l.cid.ByteLen()
	}
	f := &frame{packed: make([]byte, 0, size+len(links)), fileDepth: fileDepth}
	for _, l := range links {
		f.packed = binary.AppendUvarint(f.packed, uint64(l.payload+1))
		f.packed = binary.AppendUvarint(f.packed, uint64(l.cid.ByteLen()))
		f.packed = append(f.packed, l.cid.KeyString()...)
	}
	return f
}

func uvarintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

func (f *frame) size() int { return cap(f.packed) }

// take returns the next link.
func (f *frame) take() (l link, ok bool) {
	if f.at == len(f.packed) {
		return link{}, false
	}
	payload, n := binary.Uvarint(f.packed[f.at:])
	f.at += n
	size, n := binary.Uvarint(f.packed[f.at:])
	f.at += n
	_, c, err := cid.CidFromBytes(f.packed[f.at : f.at+int(size)])
	if err != nil {
		panic(err) // it was a CID when it was packed
	}
	f.at += int(size)
	return link{c, int64(payload) - 1}, true
}

// checkNode holds a node that l led to against what the node above says.
func (b *Builder) checkNode(l link, n *unixfs.Node) error {
	isFile := n.Kind == unixfs.File || n.Kind == unixfs.Raw
	switch {
	case n.Kind == unixfs.Metadata:
		return fault.New(fault.Corrupt, "block %s: metadata nodes are not read", l.cid)
	case l.payload >= 0 && !isFile:
		return fault.New(fault.Corrupt, "block %s: a %s inside a file", l.cid, n.Kind)
	case l.payload >= 0 && uint64(l.payload) != n.FileSize:
		return fault.New(fault.Corrupt, "block %s has %d bytes of its file, the node above says %d", l.cid, n.FileSize, l.payload)
	case isFile && n.FileSize > uint64(b.lim.Bytes):
		return exceeds("bytes of a file", int64(min(n.FileSize, 1<<63-1)), b.lim.Bytes)
	}
	return nil
}

// descend puts the links of n on the path.
func (b *Builder) descend(n *unixfs.Node) error {
	if len(n.Links) == 0 {
		return nil
	}
	fileDepth := 0
	if !n.IsFolder() {
		fileDepth = max(0, b.frames[len(b.frames)-1].fileDepth) + 1
	}
	// The frame above the root is not a node, and the links of n are one node deeper than n.
	if depth := len(b.frames) + 1; depth > b.lim.Depth {
		return exceeds("nodes on a path from the root", int64(depth), int64(b.lim.Depth))
	}
	if fileDepth >= b.lim.FileDepth {
		return exceeds("nodes on a path in a file", int64(fileDepth)+1, int64(b.lim.FileDepth))
	}
	links, err := follow(n)
	if err != nil {
		return err
	}
	f := newFrame(links, fileDepth)
	if b.held += f.size(); b.held > b.lim.Pending {
		return exceeds("bytes of links waiting", int64(b.held), int64(b.lim.Pending))
	}
	b.frames = append(b.frames, f)
	return nil
}

// follow returns the links of n after checking each.
func follow(n *unixfs.Node) ([]link, error) {
	links := make([]link, 0, len(n.Links))
	for i, l := range n.Links {
		if err := contentaddr.CheckCID(l.Cid); err != nil {
			return nil, fault.Mark(fault.Corrupt, err)
		}
		payload := int64(-1)
		if !n.IsFolder() {
			payload = int64(n.BlockSizes[i])
		}
		if l.Cid.Type() == cid.Raw {
			// A raw block is its own payload, and all that its link's Tsize adds up.
			if size := max(payload, int64(min(l.Tsize, 1<<62))); size > contentaddr.MaxBlock {
				return nil, exceeds("bytes of a block", size, contentaddr.MaxBlock)
			}
		}
		if i > 0 && l.Cid == n.Links[i-1].Cid {
			continue // runs of zeros
		}
		links = append(links, link{l.Cid, payload})
	}
	return links, nil
}
