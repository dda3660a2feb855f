package swarm

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/seed4134be55/peer/swarm/choker"
)

// choking drives the choker over a server's clients.
type choking struct {
	lock   sync.Mutex
	choker *choker.Choker
	next   time.Time
	pace   *rate.Limiter // of decisions that wanters bring about
}

// Wanters may make us decide this often a second, after a burst; what is more waits for the next look at the time.
const rechokeRate, rechokeBurst = 50, 64

func newChoking() choking {
	return choking{
		choker: choker.New(rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))),
		pace:   rate.NewLimiter(rechokeRate, rechokeBurst),
	}
}

// rechoke decides anew whom to serve, if it is time or something has changed.
func (sv *server) rechoke(changed bool) {
	k := &sv.choking
	k.lock.Lock()
	defer k.lock.Unlock()
	now := time.Now()
	if changed && !k.pace.AllowN(now, 1) {
		k.next = now
		return
	}
	if !changed && now.Before(k.next) {
		return
	}
	clients := sv.served()
	peers := make([]choker.Peer, 0, len(clients))
	by := make(map[choker.PeerID]*client, len(clients))
	up := choker.Uplink{Limit: sv.uplink.rate}
	for _, c := range clients {
		peers = append(peers, c.peer(now))
		by[c.num] = c
		if !c.near {
			up.Rate += c.account.out.look(now)
		}
	}
	d := k.choker.Step(now, peers, up)
	k.next = d.Next
	for _, id := range d.Choke {
		by[id].choke(true)
	}
	for _, id := range d.Unchoke {
		by[id].choke(false)
	}
}

// weigh decides anew what share of the uplink each client gets.
func (sv *server) weigh(now time.Time) {
	clients := sv.served()
	peers := make([]choker.Peer, 0, len(clients))
	for _, c := range clients {
		peers = append(peers, c.peer(now))
	}
	for i, w := range choker.Weights(peers) {
		clients[i].share.Store(math.Float64bits(w))
	}
}

// weight returns the client's share of the uplink beside others'.
func (c *client) weight() float64 {
	if w := math.Float64frombits(c.share.Load()); w > 0 {
		return w
	}
	return 1
}

// peer is what the choker is told of c.
func (c *client) peer(now time.Time) choker.Peer {
	p := choker.Peer{
		ID: c.num, LAN: c.near, RateIn: c.account.in.look(now), Owes: c.account.owes(), Seeding: true,
		BytesOut: uint64(c.account.out.total.Load()), BytesIn: uint64(c.account.in.total.Load()), Since: c.since,
	}
	if at := c.account.lastIn.Load(); at != 0 {
		p.LastIn = time.Unix(0, at)
	}
	var wanted []*channel
	c.lock.Lock()
	p.Asks = c.busy || len(c.queue) > 0
	for _, ch := range c.channels {
		if ch.interested && !c.relayed {
			p.Interested = true
			p.Seeding = p.Seeding && ch.sharing.whole.Load()
			wanted = append(wanted, ch)
		}
	}
	c.lock.Unlock() // a sharing looks at clients while it is locked
	p.Passes = slices.ContainsFunc(wanted, (*channel).passes)
	return p
}
