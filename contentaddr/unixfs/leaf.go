package unixfs

import (
	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/fault"
)

// LeafFrame returns what stands before and after payload bytes of a file in a dag-pb leaf of the old
// profile: prefix + payload + suffix is the block. A store thus needs no copy of it. The frame
// depends on the number of bytes alone.
func LeafFrame(payload int) (prefix, suffix []byte) {
	n := Node{Kind: File, FileSize: uint64(payload), HasFileSize: true}
	dataLen := n.dataLen()
	if payload > 0 {
		dataLen += bytesLen(payload)
	}
	prefix = appendBytesHeader(make([]byte, 0, 16), 1, dataLen)
	prefix = appendVarintField(prefix, fieldType, uint64(File))
	if payload > 0 {
		prefix = appendBytesHeader(prefix, fieldData, payload)
	}
	return prefix, appendVarintField(make([]byte, 0, 8), fieldFileSize, n.FileSize)
}

// Payload returns which bytes of a leaf's block are the file's: block[start:end]. It is Parse for
// callers that need nothing else of a leaf, and like it an error is a fault.Corrupt; so is a block
// that is not a leaf. What stands round the payload rebuilds the block from the file, whoever made it.
func Payload(c cid.Cid, block []byte) (start, end int, err error) {
	if codecOf(c) == cid.Raw && len(block) <= contentaddr.MaxBlock {
		return 0, len(block), nil
	}
	n, err := Parse(c, block)
	if err != nil {
		return 0, 0, err
	}
	if !n.IsLeaf() {
		return 0, 0, fault.New(fault.Corrupt, "block %s is a %s with %d links, not a leaf", c, n.Kind, len(n.Links))
	}
	if len(n.Data) == 0 {
		return 0, 0, nil
	}
	start = payloadStart(block)
	return start, start + len(n.Data), nil
}

// payloadStart walks the fields of a block that Parse has accepted to where its payload begins.
func payloadStart(block []byte) int {
	at := 0
	for _, number := range []uint64{1, fieldData} { // PBNode.Data, then its Data.Data
		for b := block[at:]; len(b) > 0; {
			f, rest, err := next(b)
			if err != nil {
				return 0
			}
			if f.number == number && f.wire == wireBytes {
				at = len(block) - len(rest) - len(f.bytes)
				break
			}
			b = rest
		}
	}
	return at
}
