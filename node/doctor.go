package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/reach"
)

// natWatch remembers what the host has learned about the NAT that it is behind.
type natWatch struct {
	lock    sync.Mutex
	kind    map[network.NATTransportProtocol]network.NATDeviceType
	refused bool // another peer has dialled back, and got nowhere
}

// follow listens to the host's findings until ctx ends.
func (w *natWatch) follow(ctx context.Context, bus event.Bus) error {
	sub, err := bus.Subscribe([]any{new(event.EvtNATDeviceTypeChanged), new(event.EvtLocalReachabilityChanged)})
	if err != nil {
		return fmt.Errorf("follow NAT findings: %w", err)
	}
	defer sub.Close()
	for {
		select {
		case e := <-sub.Out():
			w.note(e)
		case <-ctx.Done():
			return nil
		}
	}
}

func (w *natWatch) note(e any) {
	w.lock.Lock()
	defer w.lock.Unlock()
	switch found := e.(type) {
	case event.EvtNATDeviceTypeChanged:
		w.kind[found.TransportProtocol] = found.NatDeviceType
	case event.EvtLocalReachabilityChanged:
		w.refused = found.Reachability == network.ReachabilityPrivate
	}
}

// Doctor implements api.Service: it says what it finds of everything that decides whether others can reach
// this peer, and what to do about it.
func (n *Node) Doctor(ctx context.Context, _ api.DoctorRequest, emit func(api.Event)) error {
	if err := n.online(ctx); err != nil {
		return err
	}
	n.awaitDialBacks(ctx)
	check := func(name, state, message, hint string) {
		emit(api.Event{Event: api.EventCheck, Name: name, State: state, Message: message, Hint: hint})
	}
	n.checkListening(check)
	n.checkReachable(check)
	n.checkNAT(check)
	n.checkRelay(check)
	n.checkModes(check)
	n.checkProblems(check)
	return nil
}

// findings is how long after its start a peer usually knows what others see of it.
const findings = 8 * time.Second

// awaitDialBacks gives a peer that has just started the time to meet others who try to reach it.
func (n *Node) awaitDialBacks(ctx context.Context) {
	if n.reach != reach.Internet {
		return
	}
	ctx, cancel := context.WithDeadline(ctx, n.started.Add(findings))
	defer cancel()
	// A question to the public table makes it join, and whom it meets there dials back.
	_, _ = n.mux.FindPeer(ctx, n.host.ID())
	clock := time.NewTicker(100 * time.Millisecond)
	defer clock.Stop()
	for {
		if yes, no, _ := n.dialBacks(); len(yes)+len(no) > 0 {
			return
		}
		select {
		case <-clock.C:
		case <-ctx.Done():
			return
		}
	}
}

// dialBacks returns the addresses of this peer at which others have reached it, could not, and have not tried.
func (n *Node) dialBacks() (yes, no, unknown []ma.Multiaddr) {
	if h, ok := n.host.(interface {
		ConfirmedAddrs() (reachable, unreachable, unknown []ma.Multiaddr)
	}); ok {
		return h.ConfirmedAddrs()
	}
	return nil, nil, nil
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
	yes, no, unknown := n.dialBacks()
	n.nat.lock.Lock()
	refused := n.nat.refused
	n.nat.lock.Unlock()
	hint := fmt.Sprintf("open TCP and UDP port %d in the firewall, or forward it in the router", n.port())
	switch {
	case len(yes) > 0:
		check("reachable", api.CheckOK, "from outside at "+join(yes), "")
	case len(no) > 0:
		check("reachable", api.CheckProblem, "others tried and could not reach "+join(no), hint)
	case refused:
		check("reachable", api.CheckProblem, "others tried and could not reach this peer", hint)
	case len(unknown) > 0:
		check("reachable", api.CheckUnknown, "nobody has tried yet: "+join(unknown), "wait a minute, or "+hint)
	default:
		check("reachable", api.CheckProblem, "not directly: this peer knows no public address of its own", hint)
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
	switch {
	case len(n.nat.kind) > 0 || n.reach != reach.Internet:
	case n.publicInterface():
		check("nat", api.CheckOK, "none: this machine has a public address itself", "")
	default:
		check("nat", api.CheckUnknown, "kind not known yet: several peers must have seen this one", "")
	}
}

// publicInterface tells whether an interface of this machine has a public address.
func (n *Node) publicInterface() bool {
	addrs, err := n.host.Network().InterfaceListenAddresses()
	return err == nil && slices.ContainsFunc(addrs, manet.IsPublicAddr)
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

func (n *Node) checkProblems(check func(name, state, message, hint string)) {
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
