package swarm

import (
	"context"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/swarm/wire"
)

// A Source is one place from which a session gets the blocks of its root: a peer that speaks the swarm
// protocol, or anything else that can name leaves. Its methods only queue and never block; what comes of
// them goes to the Receiver that the source was opened with. They belong to the session's loop.
type Source interface {
	// GetManifest asks for the manifest's entries from index from on, at most maxBytes of them.
	GetManifest(from, maxBytes int)
	// Request asks for leaves by their index in a manifest that both sides number alike.
	Request(leaves []wire.Range)
	// RequestBlock asks for leaf i by its CID: for a source that numbers leaves in another way.
	RequestBlock(i int, c cid.Cid)
	// Cancel takes back requests; what is under way may still come.
	Cancel(leaves []wire.Range)
	// CancelBlock takes back what RequestBlock asked for.
	CancelBlock(i int)
	// Complain tells the source that its bytes of leaf i did not match.
	Complain(i int)
	// Holds tells the source which leaves are here, by its numbers.
	Holds(leaves []wire.Range)
	// HoldsBits tells it of all leaves whether they are here, the highest bit of the first byte first.
	HoldsBits(bits []byte)
	// Interested tells it whether it would be asked for leaves if it did not choke.
	Interested(bool)
	// Owes says for the choker whether anything is asked of the source that has not come.
	Owes(bool)
	// Relayed tells whether the way to the source leads over a relay that limits what may pass: it is asked for nothing.
	Relayed() bool
	// RTT returns how long a word to the source and its answer took; 0 if that is not known.
	RTT() time.Duration
	// Exchange is the peer exchange with it, nil where there is none.
	Exchange() *exchange
	// Near tells whether the source is on-link.
	Near() bool
	// Close ends the channel; nothing reaches the Receiver after Gone.
	Close()
}

// An Offer is what a source says when its channel opens, and again when it knows more.
type Offer struct {
	Complete bool     // it knows the whole manifest
	Entries  int      // entries known so far
	Leaves   int      // leaves known so far
	Digest   [32]byte // of the manifest, when complete
	Have     wire.Have
}

// A Receiver takes what one source sends: the session implements it. Its methods may be called from
// any goroutine and may block, which holds that source back.
type Receiver interface {
	Opened(Offer)
	Refused(error)
	HasBits(first int, bits []byte)
	HasLeaves([]wire.Range)
	// ExpectPage tells whether the manifest page from entry from on was asked of this source and has not
	// come. It is called before the page's bytes are read.
	ExpectPage(from int) bool
	// Page takes a page that ExpectPage let in.
	Page(from int, page []byte)
	// Expect returns the size of leaf i if it was asked of this source and has not come, else false.
	// It is called before the block's bytes are read.
	Expect(i int) (size int, ok bool)
	// Block takes leaf i, of the size that Expect said, and owns the buffer from then on.
	Block(i int, b *buffer)
	// Alive says that n bytes of some block have arrived.
	Alive(n int)
	// Rejected says that these will not come, and why.
	Rejected(leaves []wire.Range, why wire.Rejection)
	// Suggested says what the source would rather send, and whether it sends anything else now.
	Suggested(leaves []wire.Range, only bool)
	Withdrawn([]wire.Range)
	Choked(bool)
	// Peers says who else has come or gone for the root, as the source has it.
	Peers(added []peer.AddrInfo, dropped []peer.ID)
	// Gone says that the source is lost, and why; it is the last call.
	Gone(error)
}

// Dial opens a channel for root to a peer and connects it to r. It returns once the channel is asked for;
// whether it is granted comes by r.Opened or r.Refused.
type Dial func(ctx context.Context, p peer.AddrInfo, root cid.Cid, r Receiver) (Source, error)

// A Sink keeps what a session fetches. Its methods are called from several goroutines at once.
type Sink interface {
	// PutNode takes an inner node of the DAG, verified, as the manifest arrives.
	PutNode(c cid.Cid, block []byte) error
	// Plan is called once, when the manifest is whole. It says which leaves are held already and
	// which are wanted (nil: all), and refuses a DAG that cannot be kept.
	Plan(ctx context.Context, m *manifest.Manifest) (have, want *bitfield.Bitfield, err error)
	// Put verifies leaf i and keeps it. An error although the block is the leaf's is the sink's own and
	// ends the session.
	Put(i int, block []byte) error
}
