package home

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/libp2p/go-libp2p/core/crypto"
)

const keyFile = "identity.key"

// Key returns the peer's Ed25519 key, in libp2p's encoding in a file that only its owner reads, and makes
// one at first. The lock must be held.
func (h *Home) Key() (crypto.PrivKey, error) {
	path := h.Path(keyFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return h.newKey(path)
	}
	if err != nil {
		return nil, trouble(h.dir, err)
	}
	key, err := crypto.UnmarshalPrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("identity key %s is damaged: restore it, or remove it and be a new peer: %w", path, err)
	}
	return key, nil
}

func (h *Home) newKey(path string) (crypto.PrivKey, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("identity key: %w", err)
	}
	raw, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("identity key: %w", err)
	}
	if err := write(path, raw); err != nil {
		return nil, trouble(h.dir, err)
	}
	return key, nil
}
