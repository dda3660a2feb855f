// Package discovery holds the words in which peers ask who has something: the Mode interface, which
// every way of finding content implements, and Mux, which asks several of them at once.
//
// It implements no mode itself and imports none: each lives in a package of its own below this one
// or below index, and node hands them in. Start reading at Mode.
package discovery

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/routing"

	"github.com/seed4134be55/peer/fault"
)

// ErrNotSupported is the answer to asking a mode for what its Caps do not name.
var ErrNotSupported = fault.New(fault.BadInput, "not supported by this mode")

// Mode is one way of finding who has content. All methods are safe for concurrent use.
//
// Constructing a mode starts nothing. Questions asked before Run has got going wait for it, until
// their own context ends; after Run they fail.
type Mode interface {
	// Name is the word for the mode on the command line: lower case, the same for its whole life.
	Name() string
	// Caps says what the mode can do as it is configured. It does not change while the mode runs.
	Caps() Caps
	// Run does the mode's work until ctx ends, and returns when everything it started has ended.
	// It returns nil or ctx's error when ctx ended it, and is called at most once.
	Run(ctx context.Context) error

	// ContentRouting tells and asks who has a CID. Provide makes this peer findable as a provider;
	// with announce false it only records the fact here and sends nothing. Having nobody to tell
	// yet is no error. FindProvidersAsync yields up to n peers (0: as many as there are), never
	// this peer itself, and closes its channel when it has asked everybody or soon after ctx ends,
	// whether or not the channel is read. A mode without the ability returns ErrNotSupported, or a
	// closed channel where there is no error to return: ask through Find instead.
	routing.ContentRouting
}

// Caps is what a mode can do.
type Caps struct {
	Provide bool // Provide
	Find    bool // FindProvidersAsync
	Search  bool // Searcher
	Values  bool // ValueStore
	Route   bool // Router
	// Why says in a sentence for people what stands in the mode's way here, such as a reach that
	// keeps it silent. Empty when nothing does.
	Why string
}

// Searcher finds content by keywords.
type Searcher interface {
	// Search yields what matches all words, best first where the mode can tell, until it has asked
	// everybody, limit hits were yielded (0: no limit) or ctx ends. The last pair may be an error.
	Search(ctx context.Context, words []string, limit int) iter.Seq2[Hit, error]
}

// Hit is one answer to a search. Everything in it is a stranger's claim.
type Hit struct {
	Link     string // as a user would type it
	Name     string
	Bytes    int64
	Provider peer.AddrInfo
}

// MaxValue bounds what a ValueStore keeps as one value, in bytes.
const MaxValue = 1 << 10

// ValueStore is the hash-table abstraction: a key and a bounded set of signed records under it. A key is any word of at
// least a byte.
type ValueStore interface {
	// Put stores value under key, signed by this peer and newer than what it stored there before. One of more than
	// MaxValue bytes is fault.BadInput.
	Put(ctx context.Context, key string, value []byte) error
	// Values returns the valid records found under key; none found is fault.NotFound.
	Values(ctx context.Context, key string) ([]Record, error)
}

// Record is one publisher's value under a key. Its signature was checked by whoever returns it.
type Record struct {
	Publisher peer.ID
	Sequence  uint64 // of two records by one publisher the higher wins
	Expiry    time.Time
	Value     []byte
}

// Router shows the path of a lookup.
type Router interface {
	// Route yields the hops of a lookup of key, a CID or any other word, in the order in which they were asked, and
	// then once more whoever is responsible for it, as Owner: it may be this peer. The last pair may be an error.
	Route(ctx context.Context, key string) iter.Seq2[Hop, error]
}

// Hop is one peer asked during a lookup, or whoever it led to.
type Hop struct {
	Peer     peer.ID
	Distance string        // to the key, in the mode's own measure
	Took     time.Duration // until its answer; 0 if it gave none, and of an Owner
	Owner    bool          // responsible for the key; no hop of its own
}

// PeerFinder finds the addresses of a peer whose id is known, such as one whose link has gone stale.
type PeerFinder interface {
	// FindPeer returns id with its addresses: at least one, unless it is connected already. Not
	// found is fault.NotFound.
	FindPeer(ctx context.Context, id peer.ID) (peer.AddrInfo, error)
}

// Reporter says how a mode is doing.
type Reporter interface {
	// Report returns one line for people, such as "12 peers in the table".
	Report() string
}

// AsSearcher returns m as a Searcher, or ErrNotSupported.
func AsSearcher(m Mode) (Searcher, error) { return as[Searcher](m, m.Caps().Search, "search") }

// AsValueStore returns m as a ValueStore, or ErrNotSupported.
func AsValueStore(m Mode) (ValueStore, error) { return as[ValueStore](m, m.Caps().Values, "values") }

// AsRouter returns m as a Router, or ErrNotSupported.
func AsRouter(m Mode) (Router, error) { return as[Router](m, m.Caps().Route, "route") }

func as[T any](m Mode, able bool, what string) (T, error) {
	t, ok := m.(T)
	if !ok || !able {
		var none T
		return none, notSupported(m, what)
	}
	return t, nil
}

func notSupported(m Mode, what string) error {
	if why := m.Caps().Why; why != "" {
		return fmt.Errorf("%s: %s: %w: %s", m.Name(), what, ErrNotSupported, why)
	}
	return fmt.Errorf("%s: %s: %w", m.Name(), what, ErrNotSupported)
}
