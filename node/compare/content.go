package compare

import (
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/discovery/overlay"
)

const (
	providers = 2              // of each key
	lifetime  = 24 * time.Hour // of a record: longer than a run, in which nobody tells again what was told
	tending   = 10 * time.Second
)

// A content is a key and who has said to provide it.
type content struct {
	key     overlay.Key
	tellers []*teller
}

// A teller is the publisher of one record.
type teller struct {
	peer  int
	id    peer.ID
	state tellerState
}

type tellerState uint8

const (
	telling tellerState = iota // has begun to
	told                       // has done so
	unheard                    // was told that it did not work
)

// publish has random peers publish as many records as there will be lookups: two for each of half as many keys.
func (t *trial) publish(*Result) error {
	t.contents = make([]content, (t.Lookups+providers-1)/providers)
	for i := range t.contents {
		c := &t.contents[i]
		c.key = overlay.NameKey(fmt.Sprint("compare ", t.Seed, " ", i))
		for range providers {
			c.tellers = append(c.tellers, new(teller))
			t.tell(c.key, c.tellers[len(c.tellers)-1])
			if err := t.clock.pass(quick); err != nil {
				return err
			}
		}
		t.clock.share("publishing", i+1, len(t.contents))
	}
	return t.await(func() bool {
		return !slices.ContainsFunc(t.contents, func(c content) bool {
			return slices.ContainsFunc(c.tellers, func(l *teller) bool { return l.state == telling })
		})
	})
}

// anAddress is what a provider's record holds: where to find it.
func anAddress() []byte {
	return overlay.AppendAddrs(nil, []ma.Multiaddr{ma.StringCast("/ip4/203.0.113.1/tcp/4001")})
}

// randomPeer returns the number of a live peer.
func (t *trial) randomPeer() int {
	for {
		if p := t.rand.IntN(t.sim.Peers()); t.sim.Alive(p) {
			return p
		}
	}
}

// tell has a random peer publish a record under key.
func (t *trial) tell(key overlay.Key, l *teller) {
	p := t.randomPeer()
	rec := t.sim.Record(p, key, overlay.Provider, lifetime, t.payload)
	*l = teller{peer: p, id: rec.Publisher, state: telling}
	t.sim.Call(p, overlay.Op{Kind: overlay.Publish, Key: key, Record: rec}, func(r *overlay.Result) {
		if l.state = told; r.Err != nil {
			l.state = unheard
		}
	})
}

// tend gives each record whose publisher has left another publisher, so that peers that come and go do not take all
// content with them, and has those try again who could not publish.
func (t *trial) tend() {
	for _, c := range t.contents {
		for _, l := range c.tellers {
			if l.state != telling && (l.state == unheard || !t.sim.Alive(l.peer)) {
				t.tell(c.key, l)
			}
		}
	}
}

// living returns the publishers of the records of c that live now: those who are here, and have been told that it is
// done, or that it is not.
func (t *trial) living(c content) (ids []peer.ID) {
	for _, l := range c.tellers {
		if l.state != telling && t.sim.Alive(l.peer) {
			ids = append(ids, l.id)
		}
	}
	return ids
}

// found counts those of ids that have a record among records.
func found(ids []peer.ID, records []*overlay.Record) (n int) {
	for _, id := range ids {
		if slices.ContainsFunc(records, func(r *overlay.Record) bool { return r.Publisher == id && r.Kind == overlay.Provider }) {
			n++
		}
	}
	return n
}
