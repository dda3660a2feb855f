package node

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/reach"
)

// natWatch remembers what the host has learned about the NAT that it is behind.
type natWatch struct {
	lock sync.Mutex
	kind map[network.NATTransportProtocol]network.NATDeviceType
}

// follow listens to the host's findings until ctx ends.
func (w *natWatch) follow(ctx context.Context, bus event.Bus) error {
	sub, err := bus.Subscribe(new(event.EvtNATDeviceTypeChanged))
	if err != nil {
		return fmt.Errorf("follow NAT findings: %w", err)
	}
	defer sub.Close()
	for {
		select {
		case e := <-sub.Out():
			if found, ok := e.(event.EvtNATDeviceTypeChanged); ok {
				w.lock.Lock()
				w.kind[found.TransportProtocol] = found.NatDeviceType
				w.lock.Unlock()
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// Doctor implements api.Service: it says what it finds of everything that decides whether others can reach
// this peer, and what to do about it.
func (n *Node) Doctor(ctx context.Context, _ api.DoctorRequest, emit func(api.Event)) error {
	if err := n.online(ctx); err != nil {
		return err
	}
	check := func(name, state, message, hint string) {
		emit(api.Event{Event: api.EventCheck, Name: name, State: state, Message: message, Hint: hint})
	}
	n.checkListening(check)
	n.checkReachable(check)
	n.checkNAT(check)
	n.checkRelay(check)
	n.checkModes(check)
	n.checkShares(check)
	return nil
}

func (n *Node) checkListening(check func(name, state, message, hint string)) {
	addrs := n.host.Network().ListenAddresses()
	if len(addrs) == 0 {
		check("listening", api.CheckProblem, "on no address", "see whether another program holds the port, or whether a network is up")
		return
	}
	check("listening", api.CheckOK, join(addrs), "")
	check("reach", api.CheckOK, fmt.Sprintf("%s: %s", n.reach, reachMeans[n.reach]), "")
}

var reachMeans = map[reach.Reach]string{
	reach.Loopback: "only programs on this machine can connect",
	reach.LAN:      "only this network can connect; nothing is sent to a public address",
	reach.Internet: "everybody can try to connect",
}

// checkReachable says what AutoNAT's dial-backs have shown.
func (n *Node) checkReachable(check func(name, state, message, hint string)) {
	if n.reach != reach.Internet {
		check("reachable", api.CheckUnknown, fmt.Sprintf("not asked: reach %s", n.reach), "try peer get from another machine within this reach")
		return
	}
	confirmed, ok := n.host.(interface {
		ConfirmedAddrs() (reachable, unreachable, unknown []ma.Multiaddr)
	})
	if !ok {
		check("reachable", api.CheckUnknown, "this host does not test it", "")
		return
	}
	yes, no, unknown := confirmed.ConfirmedAddrs()
	hint := fmt.Sprintf("open TCP and UDP port %d in the firewall, or forward it in the router", n.port())
	switch {
	case len(yes) > 0:
		check("reachable", api.CheckOK, "from outside at "+join(yes), "")
	case len(no) > 0:
		check("reachable", api.CheckProblem, "others tried and could not reach "+join(no), hint)
	default:
		check("reachable", api.CheckUnknown, fmt.Sprintf("nobody has tried yet (%d addresses)", len(unknown)), "wait a minute, or "+hint)
	}
}

func (n *Node) checkNAT(check func(name, state, message, hint string)) {
	n.nat.lock.Lock()
	defer n.nat.lock.Unlock()
	for protocol, kind := range n.nat.kind {
		switch kind {
		case network.NATDeviceTypeEndpointIndependent:
			check("nat", api.CheckOK, fmt.Sprintf("%s: one address for all peers (cone): hole punching works", protocol), "")
		case network.NATDeviceTypeEndpointDependent:
			check("nat", api.CheckProblem, fmt.Sprintf("%s: another address for each peer (symmetric): hole punching rarely works", protocol),
				"forward a port, or run peer serve --relay on a machine that all can reach and name it with --bootstrap")
		}
	}
	if len(n.nat.kind) == 0 {
		check("nat", api.CheckUnknown, "kind not known yet: several peers must have seen this one", "")
	}
}

func (n *Node) checkRelay(check func(name, state, message, hint string)) {
	var via []ma.Multiaddr
	for _, a := range n.host.Addrs() {
		if relayed(a) {
			via = append(via, a)
		}
	}
	switch {
	case n.cfg.Options.Relay:
		check("relay", api.CheckOK, "this peer relays for others", "")
	case len(via) > 0:
		check("relay", api.CheckOK, "reachable by relay at "+join(via), "")
	case n.reach == reach.Internet && !n.directlyReachable():
		check("relay", api.CheckProblem, "none, and no public address", "run peer serve --relay on a machine that all can reach and name it with --bootstrap")
	}
	for _, p := range n.bootstrap {
		if n.host.Network().Connectedness(p.ID) == network.Connected {
			check("bootstrap", api.CheckOK, p.ID.String(), "")
		} else {
			check("bootstrap", api.CheckProblem, p.ID.String()+" is not connected", "see whether its address is right and it runs")
		}
	}
}

func (n *Node) checkModes(check func(name, state, message, hint string)) {
	for _, m := range n.modes {
		name := "mode " + m.Name()
		if why := m.Caps().Why; why != "" {
			check(name, api.CheckProblem, why, "")
			continue
		}
		message := "answers"
		if r, ok := m.(discovery.Reporter); ok {
			message = r.Report()
		}
		check(name, api.CheckOK, message, "")
	}
}

func (n *Node) checkShares(check func(name, state, message, hint string)) {
	roots, err := n.store.Roots()
	if err != nil {
		check("shares", api.CheckProblem, err.Error(), "")
		return
	}
	for _, r := range roots {
		if r.Problem != "" {
			check("share "+r.Name, api.CheckProblem, r.Problem, "share it again, or peer forget "+r.Cid.String())
		}
	}
}

// port returns the TCP port listened on, 0 when none.
func (n *Node) port() int {
	port, err := n.cfg.Home.Port()
	if err != nil {
		return 0
	}
	return port
}

func join(addrs []ma.Multiaddr) string {
	words := make([]string, 0, len(addrs))
	for _, a := range addrs {
		words = append(words, a.String())
	}
	return strings.Join(words, " ")
}
