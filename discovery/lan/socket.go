package lan

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/seed4134be55/peer/reach"
)

const mdnsPort = 5353

// onLinkHops is the hop limit of a packet that no router has touched, as every sender sets it (RFC
// 6762, §11): packets with less come from elsewhere, whatever their source says.
const onLinkHops = 255

var (
	group4 = &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: mdnsPort}
	group6 = &net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: mdnsPort}
)

// socket speaks multicast DNS over one IP version. One goroutine may receive and another do the
// rest; close may be called at any time.
type socket interface {
	join([]net.Interface)
	// receive returns a packet's length and the joined interface it came in on, which is nil for a
	// packet that is to be ignored.
	receive(buf []byte) (int, *net.Interface, error)
	send(packet []byte, on net.Interface) error
	close()
}

// openSockets opens those of the two IP versions that work here.
func openSockets(ifaces []net.Interface) ([]socket, error) {
	var open []socket
	s4, err4 := openSocket4()
	if err4 == nil {
		open = append(open, s4)
	}
	s6, err6 := openSocket6()
	if err6 == nil {
		open = append(open, s6)
	}
	if len(open) == 0 {
		return nil, fmt.Errorf("open port %d: %w", mdnsPort, errors.Join(err4, err6))
	}
	for _, s := range open {
		s.join(ifaces)
	}
	return open, nil
}

func closeSockets(sockets []socket) {
	for _, s := range sockets {
		s.close()
	}
}

// joined are the interfaces that a socket listens on.
type joined struct {
	mu      sync.Mutex
	byIndex map[int]net.Interface
}

// replace remembers those of ifaces that join accepts; one that was there before needs no joining.
func (j *joined) replace(ifaces []net.Interface, join func(*net.Interface) error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := make(map[int]net.Interface)
	for _, i := range ifaces {
		if err := join(&i); err == nil || j.byIndex[i.Index].Index == i.Index {
			now[i.Index] = i
		}
	}
	j.byIndex = now
}

func (j *joined) has(index int) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, ok := j.byIndex[index]
	return ok
}

// source returns the interface to which a packet belongs, or nil if it is to be ignored. index and
// hops are 0 where the system does not tell; the interface is then found by the sender's network.
func (j *joined) source(index, hops int, from net.Addr) *net.Interface {
	udp, ok := from.(*net.UDPAddr)
	if !ok || udp.Port != mdnsPort || hops != 0 && hops != onLinkHops {
		return nil
	}
	ip, ok := netip.AddrFromSlice(udp.IP)
	if !ok {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, i := range j.byIndex {
		if index == 0 && onNetworkOf(ip.Unmap(), i) || i.Index == index {
			return &i
		}
	}
	return nil
}

func onNetworkOf(ip netip.Addr, i net.Interface) bool {
	prefixes, _ := reach.Prefixes(i)
	for _, p := range prefixes {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

type socket4 struct {
	joined
	conn *ipv4.PacketConn
}

func openSocket4() (*socket4, error) {
	// For a multicast address Go shares the port with the other responders of this machine.
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(224, 0, 0, 0), Port: mdnsPort})
	if err != nil {
		return nil, err
	}
	s := &socket4{conn: ipv4.NewPacketConn(udp)}
	// Each of these may be missing on some system; receive copes, and the defaults are usable.
	_ = s.conn.SetControlMessage(ipv4.FlagInterface|ipv4.FlagTTL, true)
	_ = s.conn.SetMulticastLoopback(true) // other peers on this machine
	if err := s.conn.SetMulticastTTL(onLinkHops); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *socket4) join(ifaces []net.Interface) {
	s.replace(ifaces, func(i *net.Interface) error { return s.conn.JoinGroup(i, group4) })
}

func (s *socket4) receive(buf []byte) (int, *net.Interface, error) {
	n, cm, from, err := s.conn.ReadFrom(buf)
	if err != nil {
		return 0, nil, err
	}
	if cm == nil {
		cm = &ipv4.ControlMessage{}
	}
	return n, s.source(cm.IfIndex, cm.TTL, from), nil
}

func (s *socket4) send(packet []byte, on net.Interface) error {
	if !s.has(on.Index) {
		return nil
	}
	if err := s.conn.SetMulticastInterface(&on); err != nil {
		return err
	}
	_, err := s.conn.WriteTo(packet, nil, group4)
	return err
}

func (s *socket4) close() { _ = s.conn.Close() }

type socket6 struct {
	joined
	conn *ipv6.PacketConn
}

func openSocket6() (*socket6, error) {
	udp, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.ParseIP("ff02::"), Port: mdnsPort})
	if err != nil {
		return nil, err
	}
	s := &socket6{conn: ipv6.NewPacketConn(udp)}
	_ = s.conn.SetControlMessage(ipv6.FlagInterface|ipv6.FlagHopLimit, true)
	_ = s.conn.SetMulticastLoopback(true)
	if err := s.conn.SetMulticastHopLimit(onLinkHops); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *socket6) join(ifaces []net.Interface) {
	s.replace(ifaces, func(i *net.Interface) error { return s.conn.JoinGroup(i, group6) })
}

func (s *socket6) receive(buf []byte) (int, *net.Interface, error) {
	n, cm, from, err := s.conn.ReadFrom(buf)
	if err != nil {
		return 0, nil, err
	}
	if cm == nil {
		cm = &ipv6.ControlMessage{}
	}
	return n, s.source(cm.IfIndex, cm.HopLimit, from), nil
}

func (s *socket6) send(packet []byte, on net.Interface) error {
	if !s.has(on.Index) {
		return nil
	}
	if err := s.conn.SetMulticastInterface(&on); err != nil {
		return err
	}
	_, err := s.conn.WriteTo(packet, nil, group6)
	return err
}

func (s *socket6) close() { _ = s.conn.Close() }
