package node

import (
	"context"
	"os"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/contentaddr/link"
	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/node/api"
)

// Serve implements api.Service.
func (n *Node) Serve(ctx context.Context, _ api.ServeRequest, emit func(api.Event)) error {
	if err := n.online(ctx); err != nil {
		return nil
	}
	emit(api.Event{Event: api.EventServing, Peer: n.host.ID().String(), Addrs: n.addrs()})
	<-ctx.Done()
	return nil
}

// Status implements api.Service.
func (n *Node) Status(_ context.Context, _ api.StatusRequest, emit func(api.Event)) error {
	roots, err := n.store.Roots()
	if err != nil {
		return err
	}
	shares := 0
	for _, r := range roots {
		if r.Complete {
			shares++
		}
	}
	size, err := n.store.Report()
	if err != nil {
		return err
	}
	n.lock.Lock()
	running, transfers := n.running, len(n.transfers)
	n.lock.Unlock()
	emit(api.Event{
		Event: api.EventStatus, Peer: n.host.ID().String(), Addrs: n.addrs(), Running: running, Pid: os.Getpid(), Version: n.cfg.Version,
		Home: n.cfg.Home.Dir(), Reach: n.reach.String(), Network: n.network(), Modes: n.modeNames(), Seconds: time.Since(n.started).Seconds(),
		Peers: len(n.host.Network().Peers()), Shares: shares, Transfers: transfers, Bytes: size.Bytes,
		Sent: n.swarm.Sent(), Received: n.swarm.Received(), Words: n.swarm.Words(),
	})
	return nil
}

// Peers implements api.Service.
func (n *Node) Peers(_ context.Context, _ api.PeersRequest, emit func(api.Event)) error {
	for _, id := range n.host.Network().Peers() {
		e := api.Event{Event: api.EventPeer, Peer: id.String(), Agent: n.agent(id), Latency: n.host.Peerstore().LatencyEWMA(id).Seconds()}
		e.Received, e.Sent = n.swarm.Moved(id)
		e.State = n.way(id)
		for _, c := range n.host.Network().ConnsToPeer(id) {
			e.Addrs = append(e.Addrs, c.RemoteMultiaddr().String())
		}
		emit(e)
	}
	return nil
}

// way says how a peer is connected.
func (n *Node) way(id peer.ID) string {
	if n.connectedDirectly(id) {
		return api.PeerDirect
	}
	for _, c := range n.host.Network().ConnsToPeer(id) {
		if !c.Stat().Limited {
			return api.PeerRelayed
		}
	}
	return api.PeerLimited
}

func (n *Node) agent(id peer.ID) string {
	v, err := n.host.Peerstore().Get(id, "AgentVersion")
	if err != nil {
		return ""
	}
	agent, _ := v.(string)
	return agent
}

// Shares implements api.Service.
func (n *Node) Shares(_ context.Context, _ api.SharesRequest, emit func(api.Event)) error {
	roots, err := n.store.Roots()
	if err != nil {
		return err
	}
	for _, r := range roots {
		emit(api.Event{
			Event: api.EventShare, Cid: r.Cid.String(), Name: r.Name, Path: r.Path, Link: n.link(r), Bytes: r.Bytes, Files: r.Files,
			Complete: r.Complete, Public: r.Public, Unlisted: r.Unlisted, Added: r.Added, Message: r.Problem,
		})
	}
	return nil
}

// Forget implements api.Service.
func (n *Node) Forget(_ context.Context, r api.ForgetRequest, emit func(api.Event)) error {
	l, err := link.Parse(r.Link)
	if err != nil {
		return err
	}
	info, err := n.store.Forget(l.Cid)
	if err != nil {
		return err
	}
	emit(api.Event{Event: api.EventForgot, Cid: l.Cid.String(), Name: info.Name, Path: info.Path})
	return nil
}

func (n *Node) addrs() []string {
	var out []string
	for _, a := range n.dialable() {
		out = append(out, a.String())
	}
	return out
}

func (n *Node) modeNames() []string {
	var out []string
	for _, m := range n.modes {
		out = append(out, m.Name())
	}
	return out
}

// network returns the name of the world this peer is in.
func (n *Node) network() string {
	if n.cfg.Options.Network == "" {
		return discovery.DefaultNetwork
	}
	return n.cfg.Options.Network
}
