package store

import (
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/importer"
)

// A Kind says how a root came here.
type Kind string

// The kinds of roots.
const (
	Share   Kind = "share"    // files of the user's, shared where they are
	Fetched Kind = "download" // fetched by this peer, whole or in part
)

// RootInfo is what is known of a root without opening it. One root may be listed several times, once
// for each path where it is held.
type RootInfo struct {
	Cid      cid.Cid
	Name     string
	Path     string // absolute; of the file or folder, or where a download will be
	Link     string // what a download was asked for with
	Bytes    int64  // of all files
	Files    int
	Unlisted bool // announced nowhere
	Public   bool // announced to the internet
	Kind     Kind
	Complete bool
	Added    time.Time
	Problem  string // what is wrong with it, naming a file; "" is fine
	Held     int64  // of a download: bytes of its files that are verified and journaled
}

// rootRecord is what keyRoot maps to.
type rootRecord struct {
	Name     string    `cbor:"1,keyasint,omitempty"`
	Path     string    `cbor:"2,keyasint,omitempty"`
	Link     string    `cbor:"3,keyasint,omitempty"`
	Bytes    int64     `cbor:"4,keyasint,omitempty"`
	Files    int       `cbor:"5,keyasint,omitempty"`
	Unlisted bool      `cbor:"6,keyasint,omitempty"`
	Public   bool      `cbor:"7,keyasint,omitempty"`
	Kind     Kind      `cbor:"8,keyasint,omitempty"`
	Complete bool      `cbor:"9,keyasint,omitempty"`
	Added    int64     `cbor:"10,keyasint,omitempty"` // Unix seconds
	Problem  string    `cbor:"11,keyasint,omitempty"`
	Leaves   int       `cbor:"12,keyasint,omitempty"` // places of leaves
	Nodes    int64     `cbor:"13,keyasint,omitempty"` // bytes of inner nodes
	Unsynced bool      `cbor:"14,keyasint,omitempty"` // a power cut may have taken bytes of its files
	Part     *partInfo `cbor:"15,keyasint,omitempty"` // of a download under way
	Boot     string    `cbor:"16,keyasint,omitempty"` // the machine's boot in which it became Unsynced
}

// partInfo is what a resume needs to know.
type partInfo struct {
	Overwrite bool   `cbor:"1,keyasint,omitempty"`
	Inode     uint64 `cbor:"2,keyasint,omitempty"` // of NAME.part
	Device    uint64 `cbor:"3,keyasint,omitempty"`
	Beat      int64  `cbor:"4,keyasint,omitempty"` // Unix ns; nobody but peer wrote to the part before
	Held      int64  `cbor:"5,keyasint,omitempty"` // bytes of files in the journal
}

// fileRecord is what keyFile maps to.
type fileRecord struct {
	Path    string        `cbor:"1,keyasint"`
	Stat    importer.Stat `cbor:"2,keyasint"` // with it the recipes are known to hold
	Root    []byte        `cbor:"3,keyasint,omitempty"`
	Owner   uint64        `cbor:"4,keyasint"`
	Gone    string        `cbor:"5,keyasint,omitempty"` // why it cannot be read
	Checked bool          `cbor:"6,keyasint,omitempty"` // hashed since its owner was Unsynced
	Leaves  int           `cbor:"7,keyasint,omitempty"` // recipes it has
}

func (r *rootRecord) info(c cid.Cid) RootInfo {
	i := RootInfo{
		Cid: c, Name: r.Name, Path: r.Path, Link: r.Link, Bytes: r.Bytes, Files: r.Files,
		Unlisted: r.Unlisted, Public: r.Public, Kind: r.Kind, Complete: r.Complete,
		Added: time.Unix(r.Added, 0), Problem: r.Problem,
	}
	if r.Part != nil {
		i.Held = r.Part.Held
	}
	return i
}

func newRootRecord(i RootInfo) rootRecord {
	return rootRecord{
		Name: i.Name, Path: i.Path, Link: i.Link, Bytes: i.Bytes, Files: i.Files,
		Unlisted: i.Unlisted, Public: i.Public, Kind: i.Kind, Complete: i.Complete,
		Added: i.Added.Unix(), Problem: i.Problem,
	}
}

func encode(v any) []byte {
	p, err := cbor.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("store: encode %T: %v", v, err)) // plain structs always encode
	}
	return p
}

func decode(p []byte, v any) error {
	if err := cbor.Unmarshal(p, v); err != nil {
		return fmt.Errorf("store: a record of the database is damaged: %w", err)
	}
	return nil
}
