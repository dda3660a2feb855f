package api

import (
	"strings"

	"github.com/seed4134be55/peer/contentaddr/link"
	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/fault"
)

// Bounds of what a hash table takes, in bytes.
const (
	MaxKey   = 256
	MaxValue = discovery.MaxValue
)

// ParseKey returns the key that a user means: of a link its CID, any other word as it is. Errors are of kind BadInput.
func ParseKey(word string) (string, error) {
	switch l, err := link.Parse(word); {
	case strings.TrimSpace(word) == "":
		return "", fault.New(fault.BadInput, "the key is empty: want a CID or any other word")
	case len(word) > link.MaxLen || err != nil && len(word) > MaxKey:
		return "", fault.New(fault.BadInput, "the key has %d bytes: at most %d", len(word), MaxKey)
	case err == nil && l.Path != "":
		return "", fault.New(fault.BadInput, "%s names a part of a folder (%s): the key is the root's CID alone", l.Cid, l.Path)
	case err == nil:
		return l.Cid.String(), nil
	case looksLikeLink(word):
		return "", err
	}
	return word, nil
}

// looksLikeLink reports whether somebody who types word does not mean it as a name: it begins as a link does, or it is a
// CID but for a few letters.
func looksLikeLink(word string) bool {
	for _, prefix := range []string{"peer://", "ipfs://", "ipns://", "http://", "https://", "/ipfs/"} {
		if strings.HasPrefix(strings.ToLower(word), prefix) {
			return true
		}
	}
	const short = 46 // bytes of the shortest CID that is in use
	return len(word) > short-4 && (strings.HasPrefix(word, "Qm") || strings.HasPrefix(word, "baf")) && !strings.ContainsAny(word, " /")
}

// CheckValue refuses what is too long to be stored as one value.
func CheckValue(value []byte) error {
	if len(value) > MaxValue {
		return fault.New(fault.BadInput, "the value has %d bytes: at most %d; share a file and put its link", len(value), MaxValue)
	}
	return nil
}
