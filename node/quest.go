package node

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/contentaddr/link"
	"github.com/seed4134be55/peer/discovery"
)

const (
	// findPatience bounds one question to all modes.
	findPatience = 15 * time.Second
	// linkFirst is how long a link's own addresses have before the modes are asked at all: most
	// transfers need nobody else.
	linkFirst = time.Second
)

// A quest is the search for those who have a root.
type quest struct {
	root  cid.Cid
	peers []peer.AddrInfo // whom the link names
	modes *discovery.Mux
}

// questFor looks for l's root at the addresses of the link and by all modes.
func (n *Node) questFor(l link.Link) quest { return quest{l.Cid, l.Peers(), n.mux} }

// questIn looks for l's root by the mode of that name alone, and nowhere else: whoever names one wants to see that it
// finds something. With "" it is questFor.
func (n *Node) questIn(word string, l link.Link) (quest, error) {
	if word == "" {
		return n.questFor(l), nil
	}
	m, err := n.modeFor(word, "find content", func(m discovery.Mode) bool { return m.Caps().Find })
	if err != nil {
		return quest{}, err
	}
	return quest{root: l.Cid, modes: discovery.NewMux(n.host.ID(), []discovery.Mode{m}, n.cfg.Log)}, nil
}

// findSources yields peers that may have q's root: those in the link first, then whom the modes find, asked
// again and again until ctx ends, as often as the number of useful sources makes it worth while.
func (n *Node) findSources(ctx context.Context, q quest, useful func() int, yield func(discovery.Found)) {
	first := time.Now()
	for _, p := range q.peers {
		p.Addrs = n.reach.Filter(p.Addrs)
		yield(discovery.Found{AddrInfo: p, Mode: "link"})
		first = time.Now().Add(linkFirst)
	}
	if !sleep(ctx, time.Until(first)) {
		return
	}
	for times := 1; ; times++ {
		n.findOnce(ctx, q, yield)
		asked := time.Now()
		for time.Since(asked) < findAfter(times, useful()) {
			if !sleep(ctx, findLook) {
				return
			}
		}
	}
}

// sleep waits for d and tells whether ctx still lives.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// findOnce asks the modes who has q's root, and where the peers of the link are now.
func (n *Node) findOnce(ctx context.Context, q quest, yield func(discovery.Found)) {
	ctx, cancel := context.WithTimeout(ctx, findPatience)
	defer cancel()
	var asked sync.WaitGroup
	asked.Go(func() {
		found, err := q.modes.Find(ctx, q.root, 0)
		if err != nil {
			return // discovery is off
		}
		for f := range found {
			yield(f)
		}
	})
	for _, p := range q.peers {
		asked.Go(func() {
			if info, err := q.modes.FindPeer(ctx, p.ID); err == nil {
				yield(discovery.Found{AddrInfo: info, Mode: "link"})
			}
		})
	}
	asked.Wait()
}

// String says what is looked for and where.
func (q quest) String() string {
	var where []string
	if len(q.peers) > 0 {
		where = append(where, "the link's addresses")
	}
	for _, m := range q.modes.Modes() {
		if m.Caps().Find {
			where = append(where, m.Name())
		}
	}
	if len(where) == 0 {
		return fmt.Sprintf("looking for %s: nowhere to look, as the link has no address and discovery is off", q.root)
	}
	return fmt.Sprintf("looking for %s: %s", q.root, strings.Join(where, ", "))
}
