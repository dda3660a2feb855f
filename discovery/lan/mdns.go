package lan

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/seed4134be55/peer/reach"
)

// maxHeard packets wait between the sockets and the loop; more are dropped, as a network drops them.
const maxHeard = 64

// States of the machine, such as a cable pulled, that can change at any time.
var (
	errNoInterface = errors.New("no interface that speaks multicast is up")
	errNoAddress   = errors.New("no address to tell")
)

// mdns is the Announcer that speaks multicast DNS.
//
// It is a responder of its own and not a library's, because the ones there are answer whoever asks
// by unicast, from any address, which breaks what reach lan promises; speak on interfaces that they
// were not given; and remember without bound what strangers say.
type mdns struct {
	self    peer.ID
	service string
	reach   reach.Reach
	log     *slog.Logger
}

// heard is one packet about our service.
type heard struct {
	iface     int
	asked     bool
	presences []Presence
}

// Run speaks until ctx ends or the sockets fail. Its loop owns all state.
func (m *mdns) Run(ctx context.Context, addrs func() []ma.Multiaddr, changed <-chan struct{}, met func(Presence)) error {
	ifaces, err := m.interfaces()
	if err != nil {
		return err
	}
	sockets, err := openSockets(ifaces)
	if err != nil {
		return err
	}
	incoming := make(chan heard, maxHeard)
	failed := make(chan error, 2)
	var reading sync.WaitGroup
	for _, s := range sockets {
		reading.Go(func() { failed <- m.read(s, incoming) })
	}
	defer reading.Wait()
	defer closeSockets(sockets)

	v := &voice{mdns: m, sockets: sockets, ifaces: ifaces, instance: randomLabel(), addrs: addrs}
	defer v.goodbye()
	return v.loop(ctx, changed, incoming, failed, met)
}

func (m *mdns) interfaces() ([]net.Interface, error) {
	all, err := m.reach.Interfaces()
	if err != nil {
		return nil, err
	}
	var speak []net.Interface
	for _, i := range all {
		// A tunnel is not a LAN, and what is at its other end is found by other means.
		if i.Flags&net.FlagMulticast != 0 && i.Flags&net.FlagPointToPoint == 0 {
			speak = append(speak, i)
		}
	}
	if len(speak) == 0 {
		return nil, errNoInterface
	}
	return speak, nil
}

// read passes on what is said about our service until the socket closes.
func (m *mdns) read(s socket, incoming chan<- heard) error {
	buf := make([]byte, 9000) // RFC 6762, §17
	for {
		n, iface, err := s.receive(buf)
		if err != nil {
			return err
		}
		if iface == nil {
			continue
		}
		asked, presences, err := parsePacket(buf[:n], m.service)
		if err != nil || !asked && len(presences) == 0 {
			continue
		}
		h := heard{iface: iface.Index, asked: asked}
		for _, p := range presences {
			if p.ID == m.self {
				continue
			}
			if p.Addrs = m.onLink(p.Addrs, iface); len(p.Addrs) > 0 {
				h.presences = append(h.presences, p)
			}
		}
		select {
		case incoming <- h:
		default:
		}
	}
}

// onLink returns those of addrs that are in a network of the interface they were heard on: a packet
// must not make this peer dial across the house, or itself by loopback.
func (m *mdns) onLink(addrs []ma.Multiaddr, iface *net.Interface) []ma.Multiaddr {
	prefixes, err := reach.Prefixes(*iface)
	if err != nil {
		return nil
	}
	var kept []ma.Multiaddr
	for _, a := range addrs {
		ip, ok := addrIP(a)
		if !ok || !suitable(a) || !m.reach.Allows(a) {
			continue
		}
		for _, p := range prefixes {
			if p.Contains(ip) {
				kept = append(kept, a)
				break
			}
		}
	}
	return kept
}

// suitable reports whether a is a direct address for programs: not relayed, not for browsers.
func suitable(a ma.Multiaddr) bool {
	for _, c := range a {
		switch c.Code() {
		case ma.P_CIRCUIT, ma.P_WEBTRANSPORT, ma.P_WEBRTC, ma.P_WEBRTC_DIRECT, ma.P_WS, ma.P_WSS, ma.P_P2P:
			return false
		}
	}
	ip, ok := addrIP(a)
	return ok && !ip.IsLoopback() && !ip.IsUnspecified() && !ip.IsMulticast()
}

func addrIP(a ma.Multiaddr) (netip.Addr, bool) {
	slice, err := manet.ToIP(a)
	if err != nil {
		return netip.Addr{}, false
	}
	ip, ok := netip.AddrFromSlice(slice)
	return ip.Unmap(), ok
}

// voice is what this peer says. It belongs to the goroutine that runs loop.
type voice struct {
	*mdns
	sockets  []socket
	ifaces   []net.Interface
	instance string // random, as the spec has it: it must not tell more than the addresses do
	addrs    func() []ma.Multiaddr
	schedule schedule
}

func (v *voice) loop(ctx context.Context, changed <-chan struct{}, incoming <-chan heard, failed <-chan error, met func(Presence)) error {
	v.schedule.restart(time.Now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return fmt.Errorf("mdns: %w", err)
		case <-changed:
			if err := v.refresh(); err != nil {
				return err
			}
			v.schedule.restart(time.Now())
		case h := <-incoming:
			if h.asked {
				v.schedule.question(time.Now(), h.iface, rand.N(answerDelay))
			}
			for _, p := range h.presences {
				met(p)
			}
		case <-timer.C:
		}
		what, next := v.schedule.step(time.Now())
		v.send(what)
		timer.Reset(time.Until(next))
	}
}

// refresh joins the groups on interfaces that have come.
func (v *voice) refresh() error {
	ifaces, err := v.interfaces()
	if err != nil {
		return err
	}
	for _, s := range v.sockets {
		s.join(ifaces)
	}
	v.ifaces = ifaces
	return nil
}

func (v *voice) send(d due) {
	if d.query {
		v.say(encodeQuery(v.service))
	}
	if d.announce {
		v.say(v.presence(presenceTTL))
	}
	if len(d.answer) > 0 {
		packet, err := v.presence(presenceTTL)
		for _, index := range d.answer {
			v.sayOn(packet, err, func(i net.Interface) bool { return i.Index == index })
		}
	}
}

func (v *voice) goodbye() { v.say(v.presence(0)) }

func (v *voice) presence(ttl time.Duration) ([]byte, error) {
	var addrs []ma.Multiaddr
	for _, a := range v.addrs() {
		if suitable(a) && v.reach.Allows(a) {
			addrs = append(addrs, a)
		}
	}
	if len(addrs) == 0 {
		return nil, errNoAddress
	}
	return encodePresence(v.service, v.instance, v.self, addrs, ttl)
}

func (v *voice) say(packet []byte, err error) {
	v.sayOn(packet, err, func(net.Interface) bool { return true })
}

// sayOn sends packet on the interfaces that on names. An interface that is going away fails, which
// is no reason to stop speaking on the others.
func (v *voice) sayOn(packet []byte, err error, on func(net.Interface) bool) {
	if err != nil {
		v.log.Debug("mdns: packet not made", slog.Any("error", err))
		return
	}
	for _, i := range v.ifaces {
		if !on(i) {
			continue
		}
		for _, s := range v.sockets {
			if err := s.send(packet, i); err != nil {
				v.log.Debug("mdns: packet not sent", slog.String("interface", i.Name), slog.Any("error", err))
			}
		}
	}
}

// randomLabel returns a DNS label of 32 letters.
func randomLabel() string {
	var b strings.Builder
	for range 32 {
		b.WriteByte(byte('a' + rand.N(26)))
	}
	return b.String()
}
