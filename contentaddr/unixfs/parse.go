package unixfs

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/fault"
)

// Parse reads the block of c. A raw block is a node of kind Raw whose Data is the block; a dag-pb one
// must hold UnixFS data and keep Node's invariants. It trusts nothing: every error is a
// fault.Corrupt, and what it allocates is in proportion to the bytes of block (at most
// contentaddr.MaxBlock), never to a number found in them. The result may alias block.
func Parse(c cid.Cid, block []byte) (*Node, error) {
	if len(block) > contentaddr.MaxBlock {
		return nil, fault.New(fault.Corrupt, "block %s has %d bytes: at most %d are accepted", c, len(block), contentaddr.MaxBlock)
	}
	if codecOf(c) == cid.Raw {
		return &Node{Kind: Raw, Data: block, FileSize: uint64(len(block)), HasFileSize: true}, nil
	}
	n, err := parseDagPB(block)
	if err == nil {
		err = n.check()
	}
	if err != nil {
		return nil, fault.New(fault.Corrupt, "block %s: %w", c, err)
	}
	return n, nil
}

// codecOf returns c's codec; an undefined CID has that of version 0.
func codecOf(c cid.Cid) uint64 {
	if !c.Defined() {
		return cid.DagProtobuf
	}
	return c.Type()
}

// parseDagPB reads a PBNode: links (field 2) and then data (field 1), or, as old writers had it, the
// other way round. Links in two groups are refused, as every dag-pb codec does.
func parseDagPB(block []byte) (*Node, error) {
	count, err := countLinks(block)
	if err != nil {
		return nil, fmt.Errorf("dag-pb: %w", err)
	}
	n := new(Node)
	if count > 0 {
		n.Links = make([]Link, 0, count)
	}
	var data []byte
	var f field
	for b := block; len(b) > 0; {
		if f, b, err = next(b); err != nil {
			return nil, fmt.Errorf("dag-pb: %w", err)
		}
		if f.number == 1 {
			data = f.bytes
			continue
		}
		l, err := parseLink(f.bytes)
		if err != nil {
			return nil, fmt.Errorf("dag-pb: link %d: %w", len(n.Links), err)
		}
		n.Links = append(n.Links, l)
	}
	if data == nil {
		return nil, errors.New("dag-pb without UnixFS data")
	}
	if err := n.parseData(data); err != nil {
		return nil, fmt.Errorf("unixfs: %w", err)
	}
	return n, nil
}

// countLinks walks the fields of a PBNode once, so that its links are allocated once and exactly.
func countLinks(b []byte) (count int, err error) {
	var f field
	var hasData, inLinks bool
	for len(b) > 0 {
		if f, b, err = next(b); err != nil {
			return 0, err
		}
		switch {
		case f.wire != wireBytes:
			return 0, errWire
		case f.number == 1 && hasData:
			return 0, fmt.Errorf("data: %w", errTwice)
		case f.number == 1:
			hasData, inLinks = true, false
		case f.number == 2 && count > 0 && !inLinks:
			return 0, errors.New("links on both sides of the data")
		case f.number == 2:
			inLinks = true
			count++
		default:
			return 0, fmt.Errorf("unknown field %d", f.number)
		}
	}
	return count, nil
}

// parseLink reads a PBLink: hash (1), name (2), tsize (3), in this order.
func parseLink(b []byte) (l Link, err error) {
	var f field
	for last := uint64(0); len(b) > 0; last = f.number {
		if f, b, err = next(b); err != nil {
			return l, err
		}
		switch {
		case f.number <= last:
			return l, errors.New("fields out of order")
		case f.number == 1 && f.wire == wireBytes:
			if l.Cid, err = parseCID(f.bytes); err != nil {
				return l, err
			}
		case f.number == 2 && f.wire == wireBytes:
			l.Name = string(f.bytes)
		case f.number == 3 && f.wire == wireVarint:
			l.Tsize = f.num
		default:
			return l, fmt.Errorf("field %d: %w", f.number, errWire)
		}
	}
	if !l.Cid.Defined() {
		return l, errors.New("no CID")
	}
	return l, nil
}

// parseCID reads a CID that fills b. Whether it is of an accepted kind is asked when it is followed
// (contentaddr.CheckCID), so that a folder with one foreign entry can still be listed.
func parseCID(b []byte) (cid.Cid, error) {
	size, c, err := cid.CidFromBytes(b)
	if err != nil {
		return cid.Undef, fmt.Errorf("CID: %w", err)
	}
	if size != len(b) {
		return cid.Undef, fmt.Errorf("CID: %d bytes after it", len(b)-size)
	}
	return c, nil
}

// Fields of the UnixFS message "Data".
const (
	fieldType       = 1
	fieldData       = 2
	fieldFileSize   = 3
	fieldBlockSizes = 4
	fieldHashType   = 5
	fieldFanout     = 6
	fieldMode       = 7
	fieldModTime    = 8
)

// parseData reads the UnixFS message into n, whose links are already there. Fields that the
// specification does not know are skipped, so that it may grow.
func (n *Node) parseData(b []byte) (err error) {
	var f field
	var seen uint64 // bit i: field i was there
	for len(b) > 0 {
		if f, b, err = next(b); err != nil {
			return err
		}
		if f.number < fieldType || f.number > fieldModTime {
			continue
		}
		if seen&(1<<f.number) != 0 && f.number != fieldBlockSizes {
			return fmt.Errorf("field %d: %w", f.number, errTwice)
		}
		seen |= 1 << f.number
		if err := n.set(f); err != nil {
			return fmt.Errorf("field %d: %w", f.number, err)
		}
	}
	if seen&(1<<fieldType) == 0 {
		return errors.New("no type")
	}
	return nil
}

// set stores one known field.
func (n *Node) set(f field) error {
	switch f.number {
	case fieldData:
		if f.wire != wireBytes {
			return errWire
		}
		if len(f.bytes) > 0 {
			n.Data = f.bytes
		}
		return nil
	case fieldBlockSizes:
		return n.addBlockSizes(f)
	case fieldModTime:
		return n.setModTime(f)
	}
	if f.wire != wireVarint {
		return errWire
	}
	switch f.number {
	case fieldType:
		if f.num > uint64(HAMTShard) {
			return fmt.Errorf("unknown type %d", f.num)
		}
		n.Kind = Kind(f.num)
	case fieldFileSize:
		n.FileSize, n.HasFileSize = f.num, true
	case fieldHashType:
		n.HashType = f.num
	case fieldFanout:
		n.Fanout = f.num
	case fieldMode:
		if f.num > math.MaxUint32 {
			return errors.New("mode over 32 bits")
		}
		n.Mode, n.HasMode = uint32(f.num), true
	}
	return nil
}

// addBlockSizes takes one block size, or several packed into a byte string: proto2 readers know both.
func (n *Node) addBlockSizes(f field) (err error) {
	switch f.wire {
	case wireVarint:
		return n.addBlockSize(f.num)
	case wireBytes:
		for b := f.bytes; len(b) > 0; {
			var size uint64
			if size, b, err = varint(b); err != nil {
				return err
			}
			if err = n.addBlockSize(size); err != nil {
				return err
			}
		}
		return nil
	}
	return errWire
}

func (n *Node) addBlockSize(size uint64) error {
	if len(n.BlockSizes) == len(n.Links) {
		return fmt.Errorf("more block sizes than the %d links", len(n.Links))
	}
	if n.BlockSizes == nil {
		n.BlockSizes = make([]uint64, 0, len(n.Links))
	}
	n.BlockSizes = append(n.BlockSizes, size)
	return nil
}

// The years that the specification allows a time to be in: 1 to 9999.
const (
	minSeconds = -62135596800
	maxSeconds = 253402300799
)

// setModTime reads an IPFSTimestamp: seconds (1, required) and nanoseconds (2, fixed32).
func (n *Node) setModTime(f field) (err error) {
	if f.wire != wireBytes {
		return errWire
	}
	var seconds, nanos uint64
	var seen [3]bool
	for b := f.bytes; len(b) > 0; {
		if f, b, err = next(b); err != nil {
			return err
		}
		switch {
		case f.number < 1 || f.number > 2:
			continue
		case seen[f.number]:
			return errTwice
		case f.number == 1 && f.wire == wireVarint:
			seconds = f.num
		case f.number == 2 && f.wire == wireFixed32:
			nanos = f.num
		default:
			return errWire
		}
		seen[f.number] = true
	}
	if s := int64(seconds); !seen[1] || s < minSeconds || s > maxSeconds || nanos >= 1e9 {
		return fmt.Errorf("no time: %d s, %d ns", s, nanos)
	}
	n.ModTime, n.HasModTime = time.Unix(int64(seconds), int64(nanos)).UTC(), true
	return nil
}
