package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"golang.org/x/sync/errgroup"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

const (
	growthCheck     = 15 * time.Second // between two looks at the size of the tables
	publishTimeout  = time.Minute      // for one record
	publishAtOnce   = 8
	addressesSettle = 2 * time.Second // after they change: several change together
	maxKept         = 1 << 14         // CIDs and values to publish again
)

var errTooMany = fault.New(fault.Refused, "%d are kept published already", maxKept)

// A publisher signs what this peer says and says it again: as records expire, when our addresses change, and whenever the
// tables have doubled or lost a fifth since. Safe for concurrent use.
type publisher struct {
	mode        *Mode
	shares      func() []cid.Cid
	life, again time.Duration
	look        time.Duration // between two looks at the size of the tables
	change      chan struct{} // has room for one: our addresses are others

	mu       sync.Mutex // guards what follows
	last     uint64     // sequence
	provided map[cid.Cid]bool
	values   map[string][]byte
	missed   []saying // that did not get through
}

// A saying publishes one thing.
type saying func(context.Context) error

func newPublisher(m *Mode, c Config) *publisher {
	return &publisher{
		mode: m, shares: c.Shares, life: c.Life, again: c.Again, look: growthCheck, change: make(chan struct{}, 1),
		provided: make(map[cid.Cid]bool), values: make(map[string][]byte),
	}
}

// moved says that our addresses have changed.
func (p *publisher) moved() {
	select {
	case p.change <- struct{}{}:
	default:
	}
}

// sequence returns a number higher than all before, in earlier runs too unless the wall clock was set back.
func (p *publisher) sequence() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = max(p.last+1, uint64(time.Now().UnixMilli()))
	return p.last
}

const millisecond = overlay.Time(time.Millisecond)

// record returns a signed record of this peer's.
func (p *publisher) record(key overlay.Key, kind overlay.RecordKind, payload []byte) (*overlay.Record, error) {
	h := p.mode.host
	r := &overlay.Record{
		Key: key, Kind: kind, Publisher: h.ID(), Sequence: p.sequence(), Payload: payload,
		Expiry: p.mode.loop.clock.now().Add(p.life) / millisecond * millisecond,
	}
	return r, sign(r, p.mode.network, h.Peerstore().PrivKey(h.ID()))
}

// publish says one thing to those responsible. Having nobody to tell is no error: the record is kept here, and told when
// somebody comes.
func (p *publisher) publish(ctx context.Context, key overlay.Key, kind overlay.RecordKind, payload []byte) error {
	r, err := p.record(key, kind, payload)
	if err != nil {
		return err
	}
	o, err := p.mode.Call(ctx, overlay.Op{Kind: overlay.Publish, Key: key, Record: r})
	if err == nil && !errors.Is(o.Err, overlay.ErrAlone) {
		err = o.Err
	}
	return err
}

func (p *publisher) provide(ctx context.Context, c cid.Cid) error {
	addrs := p.mode.reach.Announce(p.mode.host.Addrs())
	err := p.publish(ctx, overlay.ContentKey(c.Hash()), overlay.Provider, overlay.AppendAddrs(nil, addrs))
	if err != nil {
		p.miss(func(ctx context.Context) error { return p.provide(ctx, c) })
		return fmt.Errorf("announce %s: %w", c, err)
	}
	return nil
}

// miss has something said again soon, that did not get through.
func (p *publisher) miss(say saying) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.missed) < maxKept {
		p.missed = append(p.missed, say)
	}
}

func (p *publisher) put(ctx context.Context, key string, value []byte) error {
	if err := p.publish(ctx, overlay.KeyOf(key), overlay.Value, value); err != nil {
		return fmt.Errorf("put %q: %w", key, err)
	}
	return nil
}

func (p *publisher) putAgain(ctx context.Context, key string, value []byte) error {
	err := p.put(ctx, key, value)
	if err != nil {
		p.miss(func(ctx context.Context) error { return p.putAgain(ctx, key, value) })
	}
	return err
}

// keepProvided has c published again from now on.
func (p *publisher) keepProvided(c cid.Cid) error {
	if p.shares != nil {
		return nil // who knows what is still shared tells
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.provided) >= maxKept && !p.provided[c] {
		return errTooMany
	}
	p.provided[c] = true
	return nil
}

// keepValue has a value published again from now on.
func (p *publisher) keepValue(key string, value []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.values[key]; !known && len(p.values) >= maxKept {
		return errTooMany
	}
	p.values[key] = value
	return nil
}

// run says all again when it is time.
func (p *publisher) run(ctx context.Context) {
	told, next := 0, time.Now().Add(p.again)
	look := time.NewTicker(min(p.look, p.again))
	defer look.Stop()
	for {
		moved := false
		select {
		case <-look.C:
		case <-p.mode.loop.joined:
		case <-p.change:
			moved = settle(ctx, p.change)
		case <-ctx.Done():
			return
		}
		size := p.mode.Census().Peers
		switch due := !time.Now().Before(next); {
		case size > 0 && (due || moved || turnedOver(told, size)):
			p.say(ctx, p.everything())
			told, next = size, time.Now().Add(p.again)
		case size > 0:
			p.say(ctx, p.takeMissed())
		}
	}
}

// turnedOver reports whether so many have come or gone since there were told peers in the tables that those responsible may
// all be others: a fifth that dies at once takes a few records with all their replicas.
func turnedOver(told, size int) bool { return size > 2*told || size < told-told/5 }

// settle waits until a change is the last one for a while.
func settle(ctx context.Context, change <-chan struct{}) bool {
	for {
		select {
		case <-change:
		case <-time.After(addressesSettle):
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// say says all, some at a time.
func (p *publisher) say(ctx context.Context, all []saying) {
	var telling errgroup.Group
	telling.SetLimit(publishAtOnce)
	for _, say := range all {
		if ctx.Err() != nil {
			break
		}
		telling.Go(func() error {
			telling, cancel := context.WithTimeout(ctx, publishTimeout)
			defer cancel()
			if err := say(telling); err != nil && ctx.Err() == nil {
				p.mode.log.Debug("not published again", slog.String("mode", p.mode.name), slog.Any("error", err))
			}
			return nil
		})
	}
	_ = telling.Wait() // nothing fails it
}

func (p *publisher) takeMissed() (missed []saying) {
	p.mu.Lock()
	defer p.mu.Unlock()
	missed, p.missed = p.missed, nil
	return missed
}

// everything returns what is to be said.
func (p *publisher) everything() (all []saying) {
	var cids []cid.Cid
	if p.shares != nil {
		cids = p.shares()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.missed = nil
	for c := range p.provided {
		cids = append(cids, c)
	}
	for _, c := range cids {
		all = append(all, func(ctx context.Context) error { return p.provide(ctx, c) })
	}
	for key, value := range p.values {
		all = append(all, func(ctx context.Context) error { return p.putAgain(ctx, key, value) })
	}
	return all
}
