package live

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// sign signs r as its publisher.
func sign(r *overlay.Record, network string, key crypto.PrivKey) error {
	signature, err := key.Sign(r.Signed(network))
	if err != nil {
		return fmt.Errorf("sign a record: %w", err)
	}
	if len(signature) > overlay.MaxSignature {
		return fault.New(fault.BadInput, "a signature of %d bytes: records take %d, which Ed25519 keys keep to", len(signature), overlay.MaxSignature)
	}
	r.Signature = signature
	return nil
}

// maxVerified bounds how many signatures are remembered in each of two generations, of 32 bytes and a map's overhead.
const maxVerified = 4096

// A verifier checks records' signatures, and remembers those that were good, as the same record comes from each of its
// replicas. Safe for concurrent use.
type verifier struct {
	network string

	mu       sync.Mutex
	now, old map[[sha256.Size]byte]struct{}
}

func newVerifier(network string) *verifier {
	return &verifier{network: network, now: make(map[[sha256.Size]byte]struct{})}
}

// verify checks that r was signed by its publisher, for this network.
func (v *verifier) verify(r *overlay.Record) error {
	signed := r.Signed(v.network)
	sum := sha256.Sum256(append(signed[:len(signed):len(signed)], r.Signature...))
	if v.known(sum) {
		return nil
	}
	key, err := r.Publisher.ExtractPublicKey()
	if err != nil {
		return fmt.Errorf("the publisher's key: %w", err)
	}
	if good, err := key.Verify(signed, r.Signature); err != nil || !good {
		return fmt.Errorf("a record that %s did not sign", r.Publisher)
	}
	v.remember(sum)
	return nil
}

func (v *verifier) known(sum [sha256.Size]byte) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, now := v.now[sum]
	_, old := v.old[sum]
	return now || old
}

func (v *verifier) remember(sum [sha256.Size]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.now) >= maxVerified {
		v.old, v.now = v.now, make(map[[sha256.Size]byte]struct{})
	}
	v.now[sum] = struct{}{}
}
