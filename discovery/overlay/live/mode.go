package live

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	crand "crypto/rand"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/reach"
)

// Config is what a Mode is made of. Only Host and Protocol are required.
type Config struct {
	Host     host.Host // its key is an Ed25519 key
	Network  string    // separates worlds; discovery.DefaultNetwork if empty
	Reach    reach.Reach
	Protocol overlay.Protocol
	// Bootstrap are peers to join by, besides those met otherwise. Failing to reach them is silent, and tried again ever
	// more rarely.
	Bootstrap []peer.AddrInfo
	// Shares returns the CIDs to keep announced. If it is nil, those that were provided are.
	Shares func() []cid.Cid
	// Records live so long, and are published again so often. 0: 3 h and 1 h. Life is at most overlay.MaxLifetime.
	Life, Again time.Duration
	Log         *slog.Logger // nil is silence
}

// Bounds of what a mode does at once and keeps.
const (
	defaultLife  = 3 * time.Hour
	defaultAgain = time.Hour
	maxCalls     = 256 // operations at once; more wait
	enterTimeout = time.Second
)

// Mode is a discovery mode by a structured overlay. See discovery.Mode for what its methods promise.
type Mode struct {
	host      host.Host
	network   string
	reach     reach.Reach
	protocol  protocol.ID
	name      string
	bootstrap []peer.AddrInfo
	log       *slog.Logger
	loop      *loop
	publisher *publisher
	calls     chan struct{} // a slot for each operation
	ready     chan struct{} // closed when the loop runs
	gone      chan struct{} // closed when Run has ended
	distance  func(of, to overlay.Key) string
	unmet     bool // nobody is met: for tests of tables that are filled
}

var (
	_ discovery.Mode       = (*Mode)(nil)
	_ discovery.ValueStore = (*Mode)(nil)
	_ discovery.Router     = (*Mode)(nil)
	_ discovery.Reporter   = (*Mode)(nil)
)

// New returns a mode that does nothing before Run. The error is fault.BadInput: a network's name that cannot be part of a
// protocol's, a host whose key is not in its id, a lifetime beyond what is allowed.
func New(c Config) (*Mode, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Protocol.Name, err)
	}
	m := &Mode{
		host: c.Host, network: c.Network, reach: c.Reach, name: c.Protocol.Name, bootstrap: c.Bootstrap, log: c.Log,
		protocol: ProtocolID(c.Protocol.Name, c.Network), distance: c.Protocol.Distance,
		calls: make(chan struct{}, maxCalls), ready: make(chan struct{}), gone: make(chan struct{}),
	}
	m.publisher = newPublisher(m, c)
	var err error
	m.loop, err = newLoop(c, m.protocol)
	return m, err
}

// ProtocolID is what a mode speaks in a network: /peer/<mode>/1.0.0/<network>.
func ProtocolID(mode, network string) protocol.ID {
	return protocol.ID("/peer/" + mode + "/1.0.0/" + network)
}

// complete puts in what c leaves out, and checks the rest.
func (c *Config) complete() error {
	if c.Network == "" {
		c.Network = discovery.DefaultNetwork
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Life == 0 {
		c.Life = defaultLife
	}
	if c.Again == 0 {
		c.Again = defaultAgain
	}
	if c.Life < 0 || c.Again < 0 || c.Life > overlay.MaxLifetime {
		return fault.New(fault.BadInput, "records that live %v and are told again every %v: at most %v", c.Life, c.Again, overlay.MaxLifetime)
	}
	if key, err := c.Host.ID().ExtractPublicKey(); err != nil || key.Type() != crypto.Ed25519 {
		return fault.New(fault.BadInput, "peer %s: want an Ed25519 key", c.Host.ID())
	}
	return discovery.CheckNetwork(c.Network)
}

func newLoop(c Config, id protocol.ID) (*loop, error) {
	virtual := max(1, c.Protocol.Virtual)
	params := append(c.Protocol.Params[:len(c.Protocol.Params):len(c.Protocol.Params)], overlay.Param{Name: "nodes of a peer", Value: uint64(virtual)})
	hello, err := helloFrame(params)
	if err != nil {
		return nil, err
	}
	verifier := newVerifier(c.Network)
	l := &loop{
		host: c.Host, protocol: id, overlay: c.Protocol, hello: hello, params: params, log: c.Log, gate: newGate(),
		checker: checker{verifier, virtual}, inbox: make(chan func(), inboxLen), ended: make(chan struct{}),
		work: newCrew(), dials: make(chan struct{}, maxDials), counted: new(counter),
		clock: newClock(), alarms: newAlarms(), book: newBook(c.Host, c.Reach, virtual),
		links: make(map[peer.ID]*link), asks: make(map[uint64]*ask), replies: make(map[overlay.ReplyTo]reply),
		ops: make(map[overlay.OpID]func(*Outcome)), refused: make(map[peer.ID]refusal),
		alone: true, joined: make(chan struct{}, 1),
	}
	l.actions.Tracing = c.Log.Enabled(context.Background(), slog.LevelDebug)
	return l, nil
}

// populate makes the machines. It runs before the loop.
func (l *loop) populate() error {
	for i := range l.book.virtual {
		self, err := l.book.ref(nodeID{l.book.self, uint8(i)})
		if err != nil {
			return err
		}
		l.selves = append(l.selves, self)
		l.machines = append(l.machines, l.overlay.New(self, randomness()))
	}
	return nil
}

func randomness() *rand.Rand {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	return rand.New(rand.NewChaCha8(seed))
}

// Name returns the overlay's name.
func (m *Mode) Name() string { return m.name }

// Caps returns Provide, Find, Values and Route.
func (m *Mode) Caps() discovery.Caps {
	return discovery.Caps{Provide: true, Find: true, Values: true, Route: true}
}

// Run is a node of the overlay until ctx ends, and then says goodbye, which takes 3 s at most.
func (m *Mode) Run(ctx context.Context) error {
	defer close(m.gone)
	if m.loop.machines == nil {
		if err := m.loop.populate(); err != nil {
			return err
		}
	}
	m.loop.book.own = m.loop.book.ownAddrs()
	m.host.SetStreamHandler(m.protocol, m.loop.accept)
	var wg sync.WaitGroup
	wg.Go(func() { m.loop.run(ctx) })
	close(m.ready)
	if !m.unmet {
		wg.Go(func() { m.meet(ctx) })
	}
	wg.Go(func() { m.keepBootstrapped(ctx) })
	wg.Go(func() { m.publisher.run(ctx) })
	<-ctx.Done()
	m.host.RemoveStreamHandler(m.protocol)
	wg.Wait()
	m.loop.work.dismiss()
	return ctx.Err()
}

// begun waits for Run.
func (m *Mode) begun(ctx context.Context) error {
	select {
	case <-m.gone:
		return errStopped
	default:
	}
	select {
	case <-m.ready:
		return nil
	case <-m.gone:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// do runs f on the loop and waits for it.
func (m *Mode) do(ctx context.Context, f func()) error {
	if err := m.begun(ctx); err != nil {
		return err
	}
	done := make(chan struct{})
	if !m.loop.post(ctx, func() { f(); close(done) }) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errStopped
	}
	select {
	case <-done:
		return nil
	case <-m.loop.ended:
		return errStopped
	}
}

// Call runs one operation to its end. The error is ctx's, or that the mode has stopped; how the operation went
// is in the Outcome.
func (m *Mode) Call(ctx context.Context, op overlay.Op) (*Outcome, error) {
	if err := m.begun(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	select {
	case m.calls <- struct{}{}:
		defer func() { <-m.calls }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-m.gone:
		return nil, fmt.Errorf("%s: %w", m.name, errStopped)
	}
	ended := make(chan *Outcome, 1)
	if err := m.do(ctx, func() { m.loop.call(op, func(o *Outcome) { ended <- o }) }); err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	select {
	case o := <-ended:
		return o, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-m.loop.ended:
		return nil, fmt.Errorf("%s: %w", m.name, errStopped)
	}
}

// Census counts what this peer's nodes hold; all is zero unless the mode runs.
func (m *Mode) Census() (c overlay.Census) {
	ctx, cancel := context.WithTimeout(context.Background(), enterTimeout)
	defer cancel()
	_ = m.do(ctx, func() { c = m.loop.census() })
	return c
}

// Report says how many peers are in the tables, and who was refused.
func (m *Mode) Report() string {
	var c overlay.Census
	why, refused := "", 0
	ctx, cancel := context.WithTimeout(context.Background(), enterTimeout)
	defer cancel()
	if err := m.do(ctx, func() {
		c = m.loop.census()
		for _, r := range m.loop.refused {
			why, refused = r.why, refused+1
		}
	}); err != nil {
		return "not running"
	}
	line := fmt.Sprintf("%d peers in the tables, %d records of %d keys kept", c.Peers, c.Records, c.Keys)
	if refused > 0 {
		line += fmt.Sprintf("; %d peers refused, such as one with which %s", refused, why)
	}
	return line
}
