package overlay

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

// randomKey has long runs of zeros and ones at times, where carries go wrong.
func randomKey(r *rand.Rand) (k Key) {
	for i := range k {
		k[i] = [...]byte{0, 0xff, byte(r.Uint32())}[r.IntN(3)]
	}
	return k
}

func number(k Key) *big.Int { return new(big.Int).SetBytes(k[:]) }

// Keys compute as numbers do, modulo 2^160.
func TestKeyArithmetic(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	ring := new(big.Int).Lsh(big.NewInt(1), KeyBits)
	for range 2000 {
		a, b := randomKey(r), randomKey(r)
		sum := new(big.Int).Add(number(a), number(b))
		if got := number(a.Add(b)); got.Cmp(sum.Mod(sum, ring)) != 0 {
			t.Fatalf("%v + %v = %x", a, b, got)
		}
		diff := new(big.Int).Sub(number(a), number(b))
		if got := number(a.Sub(b)); got.Cmp(diff.Mod(diff, ring)) != 0 {
			t.Fatalf("%v - %v = %x", a, b, got)
		}
		if got, want := a.Xor(b), new(big.Int).Xor(number(a), number(b)); number(got).Cmp(want) != 0 {
			t.Fatalf("%v ^ %v = %v", a, b, got)
		}
		if got, want := a.LeadingZeros(), KeyBits-number(a).BitLen(); got != want {
			t.Fatalf("%v has %d leading zeros, not %d", a, got, want)
		}
		if got, want := a.Compare(b), number(a).Cmp(number(b)); got != want {
			t.Fatalf("%v compares to %v as %d", a, b, got)
		}
	}
}

// A peer, content and a name with the same bytes have different keys, and so have the nodes of one peer.
func TestKeysOfDifferentThings(t *testing.T) {
	const same = "the same bytes"
	seen := map[Key]string{}
	for what, k := range map[string]Key{
		"peer": PeerKey(peer.ID(same), 0), "second node": PeerKey(peer.ID(same), 1), "third node": PeerKey(peer.ID(same), 2),
		"content": ContentKey([]byte(same)), "name": NameKey(same),
	} {
		if other, ok := seen[k]; ok {
			t.Errorf("%s and %s have the key %v", what, other, k)
		}
		seen[k] = what
	}
}

// A CID is content in whatever form it is written; what only looks like one is a name.
func TestKeyOf(t *testing.T) {
	const v0 = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"
	const v1 = "bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku" // the same
	const raw = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
	content := KeyOf(v0)
	for _, word := range []string{v1, raw} {
		if KeyOf(word) != content {
			t.Errorf("%s is not %s", word, v0)
		}
	}
	for _, word := range []string{v0[:len(v0)-1], v1 + "a", "coffee", "a", ""} {
		if KeyOf(word) != NameKey(word) {
			t.Errorf("%q is no name", word)
		}
	}
}
