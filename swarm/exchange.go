package swarm

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/swarm/pex"
	"github.com/seed4134be55/peer/swarm/wire"
)

// maxToldOf bounds what is remembered of whom others were told of, in peers, over all channels. Beyond it nobody is told
// of more.
const maxToldOf = 1 << 18

// An exchange is the peer exchange on one channel, from either end. One that is nil was not agreed on: it says nothing
// and does not listen. Safe for concurrent use.
type exchange struct {
	members *membership
	root    cid.Cid
	with    peer.ID
	at      multiaddr.Multiaddr // where it is
	channel uint32
	send    func(wire.Message)

	lock     sync.Mutex
	random   *rand.Rand
	teller   pex.Teller
	listener pex.Listener
	live     bool // between open and close; nothing is said otherwise
}

func (m *membership) newExchange(root cid.Cid, with peer.ID, at multiaddr.Multiaddr, channel uint32, send func(wire.Message)) *exchange {
	return &exchange{
		members: m, root: root, with: with, at: at, channel: channel, send: send,
		random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
	}
}

// open says that the channel is open at both ends.
func (x *exchange) open() {
	if x == nil {
		return
	}
	x.lock.Lock()
	defer x.lock.Unlock()
	x.live = true
}

// tell tells the other who else is here, if it is time.
func (x *exchange) tell(now time.Time, roster func() []peer.AddrInfo) {
	if x == nil {
		return
	}
	x.lock.Lock()
	defer x.lock.Unlock()
	if x.live && x.teller.Due(now) {
		x.say(now, roster(), false)
	}
}

// question answers the other, which asks. Its error is what the other is cut off for.
func (x *exchange) question(now time.Time) error {
	if x == nil {
		return nil
	}
	x.lock.Lock()
	defer x.lock.Unlock()
	if err := x.listener.Question(now); err != nil {
		return err
	}
	x.say(now, x.members.roster(x.root), true)
	return nil
}

// say sends what is new, and an answer even if nothing is; the lock is held.
func (x *exchange) say(now time.Time, roster []peer.AddrInfo, answer bool) {
	if !x.live {
		return
	}
	contacts := make(map[peer.ID]wire.Contact, len(roster))
	present := make([]peer.ID, 0, len(roster))
	for _, p := range roster {
		if p.ID == x.with {
			continue
		}
		if !x.teller.Knows(p.ID) {
			if x.teller.Told() >= pex.MaxTold {
				continue // it is not told of more anyway
			}
			k := x.contact(p)
			if len(k.Addrs) == 0 {
				continue
			}
			contacts[p.ID] = k
		}
		present = append(present, p.ID)
	}
	change := x.teller.Tell
	if answer {
		change = x.teller.Answer
	}
	before := x.teller.Told()
	room := max(0, maxToldOf-x.members.told.Load())
	added, dropped := change(now, present, int(room), x.random)
	x.members.told.Add(int64(x.teller.Told() - before))
	if len(added)+len(dropped) == 0 && !answer {
		return
	}
	m := wire.Peers{Channel: x.channel, Dropped: dropped}
	for _, id := range added {
		m.Added = append(m.Added, contacts[id])
	}
	x.send(m)
}

// contact is p with the addresses that the other may be told.
func (x *exchange) contact(p peer.AddrInfo) wire.Contact {
	k := wire.Contact{ID: p.ID}
	for _, a := range p.Addrs {
		if len(k.Addrs) == wire.MaxContactAddrs {
			break
		}
		if raw := a.Bytes(); len(raw) <= wire.MaxAddr && x.members.exchanges(a, x.at) {
			k.Addrs = append(k.Addrs, raw)
		}
	}
	return k
}

// ask asks the other.
func (x *exchange) ask() {
	x.lock.Lock()
	defer x.lock.Unlock()
	x.listener.Asked()
	x.send(wire.GetPeers{Channel: x.channel})
}

// hear takes in what the other says, and returns of it what may be tried. Its error is what the other is cut off for.
func (x *exchange) hear(now time.Time, m wire.Peers) (added []peer.AddrInfo, dropped []peer.ID, err error) {
	if x == nil {
		return nil, nil, nil
	}
	x.lock.Lock()
	defer x.lock.Unlock()
	if err := x.listener.Heard(now); err != nil {
		return nil, nil, err
	}
	for _, k := range m.Added {
		if p := x.believe(k); len(p.Addrs) > 0 {
			added = append(added, p)
		}
	}
	return added, m.Dropped, nil
}

// believe returns the addresses of a contact that may be dialled: none for this peer itself and the other, which are
// connected. That they are the contact's shows when it is dialled.
func (x *exchange) believe(k wire.Contact) peer.AddrInfo {
	p := peer.AddrInfo{ID: k.ID}
	if k.ID == x.members.self || k.ID == x.with {
		return p
	}
	for _, raw := range k.Addrs {
		a, err := multiaddr.NewMultiaddrBytes(raw)
		if err == nil && x.members.exchanges(a, x.at) {
			p.Addrs = append(p.Addrs, a)
		}
	}
	return p
}

// close forgets what the other was told.
func (x *exchange) close() {
	if x == nil {
		return
	}
	x.lock.Lock()
	defer x.lock.Unlock()
	if x.live {
		x.live = false
		x.members.told.Add(-int64(x.teller.Told()))
	}
}

// tellClients tells everybody who has root open of those who came.
func (sv *server) tellClients(now time.Time, sh *sharing) {
	roster := sync.OnceValue(func() []peer.AddrInfo { return sv.members.roster(sh.root) })
	for _, ch := range sh.channelsOpen() {
		ch.exchange.tell(now, roster)
	}
}

// onPeers takes in what a client says of others, for the sessions that fetch the root.
func (c *client) onPeers(m wire.Peers) error {
	ch := c.channel(m.Channel)
	if ch == nil {
		return nil
	}
	added, dropped, err := ch.exchange.hear(time.Now(), m)
	if err != nil || len(added)+len(dropped) == 0 {
		return err
	}
	for _, s := range c.sv.members.sessions(ch.sharing.root) {
		s.post(func() { s.onHearsay(c.id, added, dropped) })
	}
	return nil
}

// onGetPeers answers a client that asks for others.
func (c *client) onGetPeers(m wire.GetPeers) error {
	if ch := c.channel(m.Channel); ch != nil {
		return ch.exchange.question(time.Now())
	}
	return nil
}
