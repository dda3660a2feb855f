package overlay

import (
	"time"

	"github.com/seed4134be55/peer/fault"
)

// An Op is what a user wants of an overlay.
type Op struct {
	Kind   OpKind
	Key    Key
	Want   int     // Find: enough records; 0: as many as there are
	Record *Record // Publish: signed by this peer, with Key
}

// OpKind says what an Op does.
type OpKind uint8

// What an Op may do.
const (
	Route   OpKind = iota // find who is responsible for Key
	Find                  // find the records under Key
	Publish               // store Record under Key at those responsible
)

// A Result is how an operation ended.
type Result struct {
	Err error // ErrFailed, ErrAlone or what wraps them; nil: it got to the end, whether or not there were records
	// Owners are the nodes that answered for the key, the responsible one first; this node may be among them.
	Owners  []Ref
	Records []*Record // Find: valid ones, each publisher's newest, of each kind
	// Path is the lookup's way, in order. Its hops are what docs/discovery.md counts: messages forwarded from one node to
	// the next, the last being the one that reaches the node that answers.
	Path     []Hop
	Timeouts int // nodes on the way that did not answer
}

// Hops returns the number of hops on the way.
func (r *Result) Hops() int { return len(r.Path) }

// A Hop is a node that a lookup was passed on to, or that was asked next.
type Hop struct {
	Node Ref
	Took time.Duration // until it answered; 0 if that is not known
}

// Errors of operations.
var (
	// ErrFailed says that everybody who might have known was asked and nobody answered.
	ErrFailed = fault.New(fault.NotFound, "no answer from any peer on the way")
	// ErrAlone says that this node knows no other. Publish keeps the record here meanwhile.
	ErrAlone = fault.New(fault.NotFound, "no other peer is known yet")
)
