package unixfs

import "encoding/binary"

// Encode returns n as canonical dag-pb, byte for byte as Kubo writes it: links (each with hash, name
// and tsize, in the order given), then data with its fields in order, and a file's size whenever
// HasFileSize is set. It is the inverse of Parse for all nodes but raw blocks.
func (n *Node) Encode() []byte {
	dataLen := n.dataLen()
	size := bytesLen(dataLen)
	for i := range n.Links {
		size += bytesLen(n.Links[i].encodedLen())
	}
	b := make([]byte, 0, size)
	for i := range n.Links {
		b = n.Links[i].append(b)
	}
	b = appendBytesHeader(b, 1, dataLen)
	return n.appendData(b)
}

// encodedLen returns the size of l as a PBLink, without its tag and length.
func (l *Link) encodedLen() int {
	return bytesLen(l.Cid.ByteLen()) + bytesLen(len(l.Name)) + 1 + varintLen(l.Tsize)
}

// append appends l as field 2 of a PBNode. An empty name is written: Kubo does.
func (l *Link) append(b []byte) []byte {
	b = appendBytesHeader(b, 2, l.encodedLen())
	b = append(appendBytesHeader(b, 1, l.Cid.ByteLen()), l.Cid.KeyString()...)
	b = append(appendBytesHeader(b, 2, len(l.Name)), l.Name...)
	return appendVarintField(b, 3, l.Tsize)
}

// dataLen returns the size of n's UnixFS message. It mirrors appendData.
func (n *Node) dataLen() int {
	size := 2
	if len(n.Data) > 0 {
		size += bytesLen(len(n.Data))
	}
	if n.HasFileSize {
		size += 1 + varintLen(n.FileSize)
	}
	for _, s := range n.BlockSizes {
		size += 1 + varintLen(s)
	}
	if n.HashType != 0 {
		size += 1 + varintLen(n.HashType)
	}
	if n.Fanout != 0 {
		size += 1 + varintLen(n.Fanout)
	}
	if n.HasMode {
		size += 1 + varintLen(uint64(n.Mode))
	}
	if n.HasModTime {
		size += bytesLen(n.modTimeLen())
	}
	return size
}

func (n *Node) appendData(b []byte) []byte {
	b = appendVarintField(b, fieldType, uint64(n.Kind))
	if len(n.Data) > 0 {
		b = append(appendBytesHeader(b, fieldData, len(n.Data)), n.Data...)
	}
	if n.HasFileSize {
		b = appendVarintField(b, fieldFileSize, n.FileSize)
	}
	for _, s := range n.BlockSizes {
		b = appendVarintField(b, fieldBlockSizes, s)
	}
	if n.HashType != 0 {
		b = appendVarintField(b, fieldHashType, n.HashType)
	}
	if n.Fanout != 0 {
		b = appendVarintField(b, fieldFanout, n.Fanout)
	}
	if n.HasMode {
		b = appendVarintField(b, fieldMode, uint64(n.Mode))
	}
	if n.HasModTime {
		b = n.appendModTime(b)
	}
	return b
}

// modTimeLen returns the size of the IPFSTimestamp: nanoseconds are left out when they are zero.
func (n *Node) modTimeLen() int {
	size := 1 + varintLen(uint64(n.ModTime.Unix()))
	if n.ModTime.Nanosecond() != 0 {
		size += 5
	}
	return size
}

func (n *Node) appendModTime(b []byte) []byte {
	b = appendBytesHeader(b, fieldModTime, n.modTimeLen())
	b = appendVarintField(b, 1, uint64(n.ModTime.Unix()))
	if nanos := n.ModTime.Nanosecond(); nanos != 0 {
		b = append(b, 2<<3|wireFixed32)
		b = binary.LittleEndian.AppendUint32(b, uint32(nanos))
	}
	return b
}
