package store

import (
	"encoding/binary"
	"errors"

	"github.com/ipfs/go-cid"
)

// The key schema. An owner is one share or one download: what is kept for it hangs on its number, so
// that an import need not know its root before it ends, and that all of it can be found and dropped.
// A CID in a key is self-delimiting; numbers are 8 bytes, big endian.
const (
	keyVersion  = 'V' // → format of this schema
	keySequence = 'S' // → every owner and file number up to this one may be in use

	keyOwner = 'o' // owner → root; nothing while it is imported or dropped (dropped at the next start)
	keyRoot  = 'r' // root, owner → rootRecord
	keyPage  = 'j' // owner, page → journal: a bitmap of verified leaves
	keyFrame = 'a' // owner, leaf → a recipe's value: the odd frame of a leaf of a download

	keyBlock     = 'b' // CID → an inner node's bytes
	keyBlockUser = 'n' // CID, owner → nothing
	keyOwnsBlock = 'e' // owner, CID → nothing

	keyFile     = 'f' // file → fileRecord
	keyOwnsFile = 'x' // owner, file → nothing
	keyPath     = 'p' // path, NUL, file → nothing
	keyRecipe   = 'l' // CID, file, offset → recipe: how to make that leaf of this file's bytes
	keyExtent   = 't' // file, offset → recipe, CID: what the file's bytes are
)

// formatVersion is what this program writes. A database of a later one is refused.
const formatVersion = 1

func key(kind byte, parts ...[]byte) []byte {
	n := 1
	for _, p := range parts {
		n += len(p)
	}
	k := append(make([]byte, 0, n), kind)
	for _, p := range parts {
		k = append(k, p...)
	}
	return k
}

func num(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

func rootKey(c cid.Cid, owner uint64) []byte { return key(keyRoot, c.Bytes(), num(owner)) }

func pageKey(owner uint64, page int) []byte { return key(keyPage, num(owner), num(uint64(page))) }

func recipeKey(c cid.Cid, file uint64, offset int64) []byte {
	return key(keyRecipe, c.Bytes(), num(file), num(uint64(offset)))
}

func frameKey(owner uint64, leaf int) []byte { return key(keyFrame, num(owner), num(uint64(leaf))) }

func extentKey(file uint64, offset int64) []byte {
	return key(keyExtent, num(file), num(uint64(offset)))
}

func pathKey(path string, file uint64) []byte {
	return key(keyPath, []byte(path), []byte{0}, num(file))
}

// after returns the end of the range of keys that begin with prefix.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		end[i]++
		if end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

var errKey = errors.New("store: a key of the database is damaged")

// lastNum returns the number that a key ends with.
func lastNum(k []byte) (uint64, error) {
	if len(k) < 9 {
		return 0, errKey
	}
	return binary.BigEndian.Uint64(k[len(k)-8:]), nil
}
