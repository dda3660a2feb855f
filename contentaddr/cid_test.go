package contentaddr

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	_ "github.com/multiformats/go-multihash/register/all"

	"github.com/seed4134be55/peer/fault"
)

var block = []byte("a block\n")

// sum is go-multihash's own idea of a CID, independent of the code under test.
func sum(t testing.TB, codec, hash uint64, size int, b []byte) cid.Cid {
	t.Helper()
	mh, err := multihash.Sum(b, hash, size)
	if err != nil {
		t.Fatal(err)
	}
	return cid.NewCidV1(codec, mh)
}

func v0(c cid.Cid) cid.Cid { return cid.NewCidV0(c.Hash()) }

func TestAcceptedCIDs(t *testing.T) {
	for name, c := range map[string]cid.Cid{
		"v0":           v0(sum(t, cid.DagProtobuf, multihash.SHA2_256, -1, block)),
		"raw sha2-256": sum(t, cid.Raw, multihash.SHA2_256, -1, block),
		"dag-pb":       sum(t, cid.DagProtobuf, multihash.SHA2_256, -1, block),
		"sha2-512":     sum(t, cid.Raw, multihash.SHA2_512, -1, block),
		"blake2b-256":  sum(t, cid.Raw, multihash.BLAKE2B_MIN+31, -1, block),
		"blake3":       sum(t, cid.DagProtobuf, multihash.BLAKE3, 32, block),
		"identity":     sum(t, cid.Raw, multihash.IDENTITY, -1, block),
	} {
		t.Run(name, func(t *testing.T) {
			if err := CheckCID(c); err != nil {
				t.Error("CheckCID:", err)
			}
			if err := Verify(c, block); err != nil {
				t.Error("Verify:", err)
			}
			for _, lie := range [][]byte{nil, block[1:], append(block[:len(block):len(block)], 0)} {
				if err := Verify(c, lie); fault.KindOf(err) != fault.Corrupt {
					t.Errorf("Verify(%q) = %v, want corrupt", lie, err)
				}
			}
			inline, ok := Identity(c)
			if ok != (name == "identity") || ok && !bytes.Equal(inline, block) {
				t.Errorf("Identity = %q, %v", inline, ok)
			}
		})
	}
}

func TestRefusedCIDs(t *testing.T) {
	for _, test := range []struct {
		name string
		c    cid.Cid
		says string
	}{
		{"undefined", cid.Undef, "no CID"},
		{"dag-cbor", sum(t, cid.DagCBOR, multihash.SHA2_256, -1, block), "codec 0x71"},
		{"libp2p-key", sum(t, cid.Libp2pKey, multihash.SHA2_256, -1, block), "codec 0x72"},
		{"sha1", sum(t, cid.Raw, multihash.SHA1, -1, block), "hash function 0x11"},
		{"murmur3", sum(t, cid.Raw, multihash.MURMUR3X64_64, -1, block), "hash function 0x22"},
		{"short sha2-256", sum(t, cid.Raw, multihash.SHA2_256, 20, block), "20 bytes is not the full 32"},
		{"short blake3", sum(t, cid.Raw, multihash.BLAKE3, 16, block), "16 bytes is not the full 32"},
		{"long blake3", sum(t, cid.Raw, multihash.BLAKE3, 64, block), "64 bytes is not the full 32"},
		{"huge identity", sum(t, cid.Raw, multihash.IDENTITY, -1, make([]byte, MaxIdentity+1)), "at most 128"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := CheckCID(test.c)
			if fault.KindOf(err) != fault.BadInput || !strings.Contains(err.Error(), test.says) {
				t.Errorf("CheckCID = %v, want bad input saying %q", err, test.says)
			}
			if err := Verify(test.c, block); fault.KindOf(err) != fault.Corrupt {
				t.Errorf("Verify = %v, want corrupt", err)
			}
			if _, ok := Identity(test.c); ok {
				t.Error("Identity accepted it")
			}
		})
	}
}

func TestVerifyRefusesLargeBlocks(t *testing.T) {
	for size, want := range map[int]fault.Kind{MaxBlock: "", MaxBlock + 1: fault.Corrupt} {
		b := make([]byte, size)
		if err := Verify(sum(t, cid.Raw, multihash.SHA2_256, -1, b), b); fault.KindOf(err) != want {
			t.Errorf("Verify of %d bytes = %v", size, err)
		}
	}
}

func TestVerifyAllocatesNothing(t *testing.T) {
	for _, c := range []cid.Cid{sum(t, cid.Raw, multihash.SHA2_256, -1, block), v0(sum(t, cid.Raw, multihash.SHA2_256, -1, block))} {
		if n := testing.AllocsPerRun(100, func() { _ = Verify(c, block) }); n != 0 {
			t.Errorf("Verify(%s) allocates %v times", c, n)
		}
	}
}

func FuzzCheckCID(f *testing.F) {
	f.Add(sum(f, cid.Raw, multihash.SHA2_256, -1, block).Bytes())
	f.Add(sum(f, cid.Raw, multihash.IDENTITY, -1, block).Bytes())
	f.Add([]byte{1, 0x55, 0, 0})
	f.Add([]byte{1, 0x55, 0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, c, err := cid.CidFromBytes(b)
		if err != nil {
			return
		}
		if inline, ok := Identity(c); ok && Verify(c, inline) != nil {
			t.Errorf("%s does not verify what it carries", c)
		}
		if (CheckCID(c) == nil) && c.Prefix().Codec != cid.Raw && c.Prefix().Codec != cid.DagProtobuf {
			t.Errorf("codec %#x accepted", c.Prefix().Codec)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	data := make([]byte, 1<<20)
	c := sum(b, cid.Raw, multihash.SHA2_256, -1, data)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := Verify(c, data); err != nil {
			b.Fatal(err)
		}
	}
}
