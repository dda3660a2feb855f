package store

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/ipfs/go-cid"
)

// A recipe says which bytes of which file make a leaf.
type recipe struct {
	file   uint64
	offset int64
	size   int  // payload bytes in the file
	framed bool // the block is the payload in its dag-pb frame
}

// An extent is the same seen from the file.
type extent struct {
	recipe
	cid cid.Cid
}

var errRecipe = errors.New("store: a recipe in the database is damaged")

// value returns what recipeKey maps to: payload size and framing.
func (r recipe) value() []byte {
	v := uint64(r.size) << 1
	if r.framed {
		v |= 1
	}
	return binary.AppendUvarint(nil, v)
}

// parseRecipe reads a recipe from a key and value of keyRecipe or keyExtent (both end with file and
// offset, or begin with them) and returns what follows in the value.
func parseRecipe(place, value []byte) (recipe, []byte, error) {
	v, n := binary.Uvarint(value)
	if n <= 0 || v>>1 > math.MaxInt32 || len(place) != 16 {
		return recipe{}, nil, errRecipe
	}
	return recipe{
		file:   binary.BigEndian.Uint64(place),
		offset: int64(binary.BigEndian.Uint64(place[8:])),
		size:   int(v >> 1),
		framed: v&1 == 1,
	}, value[n:], nil
}

// parseRecipeKey reads an entry of keyRecipe.
func parseRecipeKey(k, value []byte) (recipe, error) {
	if len(k) < 16 {
		return recipe{}, errRecipe
	}
	r, _, err := parseRecipe(k[len(k)-16:], value)
	return r, err
}

// parseExtent reads an entry of keyExtent.
func parseExtent(k, value []byte) (extent, error) {
	if len(k) != 17 {
		return extent{}, errRecipe
	}
	r, rest, err := parseRecipe(k[1:], value)
	if err != nil {
		return extent{}, err
	}
	c, err := cid.Cast(rest)
	if err != nil {
		return extent{}, errRecipe
	}
	return extent{r, c}, nil
}
