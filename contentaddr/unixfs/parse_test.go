package unixfs

import (
	"bytes"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	carv2 "github.com/ipld/go-car/v2"
	"github.com/multiformats/go-multihash"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/fault"
)

// pb names the codec for blocks whose hash does not matter: Parse does not verify.
var pb = mustCID(cid.DagProtobuf, "a node")

func mustCID(codec uint64, s string) cid.Cid {
	mh, err := multihash.Sum([]byte(s), multihash.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(codec, mh)
}

// examples are nodes of every kind, in the order of their fields.
func examples() []*Node {
	leaf, leaf2 := mustCID(cid.Raw, "1"), mustCID(cid.DagProtobuf, "2")
	when := time.Date(2026, 7, 1, 12, 0, 0, 123456789, time.UTC)
	return []*Node{
		{Kind: File, HasFileSize: true},
		{Kind: File, Data: []byte("hello"), FileSize: 5, HasFileSize: true},
		{Kind: Raw, Data: []byte("hello"), FileSize: 5},
		{Kind: File, Links: []Link{{Cid: leaf, Tsize: 3}, {Cid: leaf2, Tsize: 400}}, BlockSizes: []uint64{3, 300}, FileSize: 303, HasFileSize: true},
		{Kind: File, Links: []Link{{Cid: leaf, Tsize: 3}}, BlockSizes: []uint64{3}, Data: []byte("mixed"), FileSize: 8, HasFileSize: true},
		{Kind: Directory},
		{Kind: Directory, Links: []Link{{"a", leaf, 1}, {"b", leaf2, math.MaxUint64}}, Mode: 0o755, HasMode: true, ModTime: when, HasModTime: true},
		{Kind: Directory, ModTime: time.Unix(-1, 0).UTC(), HasModTime: true},
		{Kind: Symlink, Data: []byte("../../etc/passwd"), ModTime: when.Truncate(time.Second), HasModTime: true},
		{Kind: HAMTShard, Links: []Link{{"03a", leaf, 1}, {"FF", leaf2, 2}}, Data: shardBits(3, 255), HashType: HashMurmur3, Fanout: 256},
		{Kind: Metadata, Data: []byte{0xa, 1, 'x'}},
	}
}

func shardBits(slots ...int) []byte {
	b := make([]byte, 32)
	for _, s := range slots {
		b[31-s/8] |= 1 << (s % 8)
	}
	return bytes.TrimLeft(b, "\x00")
}

func TestParseIsTheInverseOfEncode(t *testing.T) {
	for _, want := range examples() {
		got, err := Parse(pb, want.Encode())
		if err != nil {
			t.Errorf("%s: %v", want.Kind, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v\nwant %+v", want.Kind, got, want)
		}
	}
}

func TestLeavesAreFileContentWithoutLinks(t *testing.T) {
	want := map[int]bool{0: true, 1: true, 2: true}
	for i, n := range examples() {
		if n.IsLeaf() != want[i] {
			t.Errorf("example %d, %s with %d links: IsLeaf = %v", i, n.Kind, len(n.Links), n.IsLeaf())
		}
	}
	if n, err := Parse(mustCID(cid.Raw, ""), nil); err != nil || !n.IsLeaf() {
		t.Error("an empty raw block is a leaf", err)
	}
}

// TestEncodingOfKubo compares with blocks that `ipfs block get` printed.
func TestEncodingOfKubo(t *testing.T) {
	for name, test := range map[string]struct {
		node *Node
		hex  string
	}{
		"empty folder":   {&Node{Kind: Directory}, "0a020801"},
		"empty old file": {&Node{Kind: File, HasFileSize: true}, "0a0408021800"},
		"hello":          {&Node{Kind: File, Data: []byte("hello\n"), FileSize: 6, HasFileSize: true}, "0a0c0802120668656c6c6f0a1806"},
		"symlink":        {&Node{Kind: Symlink, Data: []byte("f01.txt")}, "0a0b0804120766" + "30312e747874"},
	} {
		if got := hex.EncodeToString(test.node.Encode()); got != test.hex {
			t.Errorf("%s: %s, want %s", name, got, test.hex)
		}
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// TestHostileBlocks holds every way a block may lie about itself.
func TestHostileBlocks(t *testing.T) {
	raw := hex.EncodeToString(mustCID(cid.Raw, "1").Bytes()) // 36 bytes: 24 in hexadecimal
	link := func(name string) string {
		return "1228 0a24" + raw + " 1200" + name
	}
	shard := func(edit func(*Node)) []byte {
		n := examples()[9]
		edit(n)
		return n.Encode()
	}
	for _, test := range []struct {
		name  string
		block []byte
		says  string
	}{
		{"nothing", nil, "without UnixFS"},
		{"text", []byte("hello, world"), "dag-pb"},
		{"length of 2^63", unhex("0a ffffffffffffffff7f"), "truncated"},
		{"length of 2^64-1", unhex("12 ffffffffffffffffff01"), "truncated"},
		{"varint of 11 bytes", unhex("0a ffffffffffffffffffff01"), "over 64 bits"},
		{"length one too many", unhex("0a 03 0801"), "truncated"},
		{"group", unhex("0b"), "wire type"},
		{"unknown field", unhex("0a020801 1a00"), "unknown field 3"},
		{"data twice", unhex("0a020801 0a020801"), "twice"},
		{"links round data", unhex(link("") + "0a020801" + link("")), "both sides"},
		{"link without CID", unhex("1202 1200 0a020801"), "no CID"},
		{"link with name before CID", unhex("1228 1200 0a24" + raw + "0a020801"), "out of order"},
		{"link with CID cut short", unhex("1225 0a23" + raw[:70] + "0a020801"), "CID"},
		{"link with bytes after CID", unhex("1227 0a25" + raw + "00 0a020801"), "1 bytes after"},
		{"CID with a digest of 2^62", unhex("120f 0a0d 0155 12 ffffffffffffffff3f 00 0a020801"), "CID"},
		{"no type", unhex("0a021800"), "no type"},
		{"type 6", unhex("0a020806"), "unknown type"},
		{"type twice", unhex("0a0408010801"), "twice"},
		{"payload of 2^63", unhex("0a0c 0802 12 ffffffffffffffff7f"), "truncated"},
		{"size 2^63-1 of an empty file", unhex("0a0c 0802 18 ffffffffffffffff7f"), "sum of its parts"},
		{"size too small", unhex("0a09 0802 1203616263 1802"), "sum of its parts"},
		{"more block sizes than links", unhex("0a06 0802 2001 2001"), "more block sizes"},
		{"a million packed block sizes", append(unhex("0a c6843d 0802 22 c0843d"), make([]byte, 1000000)...), "more block sizes"},
		{"fewer block sizes than links", unhex(link("") + "0a020802"), "0 block sizes for 1"},
		{"block sizes that overflow", unhex(link("") + link("") + "0a16 0802 20ffffffffffffffff7f 20ffffffffffffffff7f"), "overflow"},
		{"folder with block sizes", unhex(link("") + "0a04 0801 2001"), "directory with block sizes"},
		{"symlink with links", unhex(link("") + "0a020804"), "symlink with links"},
		{"mode over 32 bits", unhex("0a08 0801 38 8080808010"), "32 bits"},
		{"time without seconds", unhex("0a04 0801 4200"), "no time"},
		{"time in the year 10000", unhex("0a0b 0801 4207 0880f8ffffaf07"), "no time"},
		{"a billion nanoseconds", unhex("0a0b 0801 4207 0800 1500ca9a3b"), "no time"},
		{"shard by another hash", shard(func(n *Node) { n.HashType = 0x12 }), "hash function"},
		{"shard of 3", shard(func(n *Node) { n.Fanout = 3 }), "power of two"},
		{"shard of 2^63", shard(func(n *Node) { n.Fanout = 1 << 63 }), "power of two"},
		{"shard of 2048", shard(func(n *Node) { n.Fanout = 2048 }), "power of two"},
		{"shard with a long bitfield", shard(func(n *Node) { n.Data = make([]byte, 33) }), "bitfield of 33"},
		{"shard with a bit too many", shard(func(n *Node) { n.Data = shardBits(3, 4, 255) }), "3 bits set"},
		{"shard with another bit", shard(func(n *Node) { n.Data = shardBits(4, 255) }), "not in the bitfield"},
		{"shard in lower case", shard(func(n *Node) { n.Links[1].Name = "ff" }), "no slot number"},
		{"shard with a short name", shard(func(n *Node) { n.Links[1].Name = "F" }), "no slot number"},
		{"shard out of order", shard(func(n *Node) { n.Links[0], n.Links[1] = n.Links[1], n.Links[0] }), "out of order"},
		{"shard with one slot twice", shard(func(n *Node) { n.Links[1].Name = "03b" }), "out of order"},
		{"over 2 MiB", make([]byte, contentaddr.MaxBlock+1), "at most"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n, err := Parse(pb, test.block)
			if fault.KindOf(err) != fault.Corrupt || !strings.Contains(err.Error(), test.says) {
				t.Errorf("Parse = %+v, %v; want corrupt saying %q", n, err, test.says)
			}
		})
	}
}

// TestForeignBlocks holds what is not how Kubo writes, and is right all the same.
func TestForeignBlocks(t *testing.T) {
	leaf := hex.EncodeToString(mustCID(cid.Raw, "1").Bytes())
	for name, block := range map[string]string{
		"data before links":        "0a08 0802 1806 2003 2003 1226 0a24" + leaf + "1226 0a24" + leaf,
		"packed block sizes":       "1226 0a24" + leaf + "1226 0a24" + leaf + "0a08 0802 1806 2202 0303",
		"no file size":             "1226 0a24" + leaf + "1226 0a24" + leaf + "0a06 0802 2202 0303",
		"a field of later days":    "1226 0a24" + leaf + "1226 0a24" + leaf + "0a0b 0802 1806 2003 2003 4a0178",
		"fields in another order":  "1226 0a24" + leaf + "1226 0a24" + leaf + "0a08 2003 2003 1806 0802",
		"numbers longer than need": "1226 0a24" + leaf + "1226 0a24" + leaf + "0a09 088200 1806 2003 2003",
	} {
		n, err := Parse(pb, unhex(block))
		if err != nil || n.FileSize != 6 || len(n.Links) != 2 || len(n.BlockSizes) != 2 {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
	}
}

// TestParseAllocatesInProportion parses the block of 2 MiB with the most links that fit.
func TestParseAllocatesInProportion(t *testing.T) {
	block := bytes.Repeat(unhex("1206 0a04 01550000"), contentaddr.MaxBlock/8)
	copy(block[len(block)-8:], unhex("0a06 0801 3a0100 00"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _ = Parse(pb, block)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 32<<20 {
		t.Errorf("parsing 2 MiB allocated %d bytes", got)
	}
}

func TestPayload(t *testing.T) {
	for _, size := range []int{0, 1, 127, 128, 1000, 256 << 10, 1 << 20} {
		payload := bytes.Repeat([]byte{'x'}, size)
		prefix, suffix := LeafFrame(size)
		block := append(append(prefix, payload...), suffix...)
		want := (&Node{Kind: File, Data: payload, FileSize: uint64(size), HasFileSize: true}).Encode()
		if !bytes.Equal(block, want) {
			t.Errorf("frame of %d bytes: %x…, want %x…", size, block[:min(20, len(block))], want[:min(20, len(want))])
		}
		start, end, err := Payload(pb, block)
		if err != nil || !bytes.Equal(block[start:end], payload) {
			t.Errorf("payload of %d bytes: [%d:%d], %v", size, start, end, err)
		}
		if start, end, err := Payload(mustCID(cid.Raw, ""), payload); start != 0 || end != size || err != nil {
			t.Errorf("raw payload of %d bytes: [%d:%d], %v", size, start, end, err)
		}
	}
	if _, _, err := Payload(pb, (&Node{Kind: Directory}).Encode()); fault.KindOf(err) != fault.Corrupt {
		t.Errorf("payload of a folder: %v", err)
	}
}

// carBlocks reads one of Kubo's CARs whole.
func carBlocks(t testing.TB, name string) (root cid.Cid, blocks map[cid.Cid][]byte) {
	t.Helper()
	f, err := os.Open(filepath.Join("../testdata/car", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := carv2.NewBlockReader(f)
	if err != nil {
		t.Fatal(err)
	}
	blocks = make(map[cid.Cid][]byte)
	for b, err := r.Next(); err == nil; b, err = r.Next() {
		blocks[b.Cid()] = b.RawData()
	}
	return r.Roots[0], blocks
}

var cars = []string{"trickle-dagpb-leaves.car", "rabin.car", "names.car", "inline-and-symlinks.car"}

// TestBlocksOfKubo: every block of the CARs verifies, parses, and is written again as it was.
func TestBlocksOfKubo(t *testing.T) {
	for _, name := range cars {
		_, blocks := carBlocks(t, name)
		if len(blocks) == 0 {
			t.Errorf("%s: no blocks", name)
		}
		for c, block := range blocks {
			if err := contentaddr.Verify(c, block); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			n, err := Parse(c, block)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if c.Type() == cid.DagProtobuf && !bytes.Equal(n.Encode(), block) {
				t.Errorf("%s: %s is written as %x, was %x", name, c, n.Encode(), block)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, n := range examples() {
		f.Add(n.Encode())
	}
	f.Add(unhex("0a c6843d 0802 22 c0843d"))
	for _, name := range cars[2:] {
		_, blocks := carBlocks(f, name)
		for _, b := range blocks {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, block []byte) {
		n, err := Parse(pb, block)
		if err != nil {
			if fault.KindOf(err) != fault.Corrupt {
				t.Fatalf("%v is not a corrupt", err)
			}
			return
		}
		again, err := Parse(pb, n.Encode())
		if err != nil || !reflect.DeepEqual(again, n) {
			t.Fatalf("%+v became %+v, %v", n, again, err)
		}
		if n.IsLeaf() {
			start, end, err := Payload(pb, block)
			if err != nil || !bytes.Equal(block[start:end], n.Data) {
				t.Fatalf("payload [%d:%d], %v; want %q", start, end, err, n.Data)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	n := &Node{Kind: File, HasFileSize: true, FileSize: 1 << 30}
	for range 1024 {
		n.Links = append(n.Links, Link{Cid: mustCID(cid.Raw, "1"), Tsize: 1 << 20})
		n.BlockSizes = append(n.BlockSizes, 1<<20)
	}
	block := n.Encode()
	b.SetBytes(int64(len(block)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(pb, block); err != nil {
			b.Fatal(err)
		}
	}
}
