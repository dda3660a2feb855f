package node

import (
	"slices"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/contentaddr/store"
	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/discovery/kademlia"
	"github.com/seed4134be55/peer/discovery/lan"
	"github.com/seed4134be55/peer/reach"
)

// defaultModes are asked when the user names none.
var defaultModes = []string{"lan", "kademlia"}

// openModes builds the modes that the user wants, in that order.
func (n *Node) openModes() error {
	words := n.wantedModes()
	if err := n.checkSettings(); err != nil {
		return err
	}
	for _, w := range words {
		if w == "none" && len(words) == 1 {
			break
		}
		if slices.ContainsFunc(n.modes, func(m discovery.Mode) bool { return m.Name() == w }) {
			continue
		}
		m, err := n.openMode(w)
		if err != nil {
			return err
		}
		n.modes = append(n.modes, m)
	}
	n.mux = discovery.NewMux(n.host.ID(), n.modes, n.cfg.Log)
	return nil
}

func (n *Node) openMode(word string) (discovery.Mode, error) {
	switch word {
	case "kademlia":
		m, err := kademlia.New(kademlia.Config{
			Host: n.host, Network: n.cfg.Options.Network, Reach: n.reach, Bootstrap: n.bootstrap,
			Shares: n.listed(func(i store.RootInfo) bool { return !i.Unlisted }),
			Public: n.reach == reach.Internet && n.cfg.Options.Network == "", PublicBootstrap: n.aminoBootstrap(),
			PublicShares: n.listed(func(i store.RootInfo) bool { return i.Public }), Log: n.cfg.Log,
		})
		if err != nil {
			return nil, err
		}
		n.public = m.ProvidePublic
		return m, nil
	case "lan":
		return lan.New(lan.Config{Host: n.host, Network: n.cfg.Options.Network, Reach: n.reach, Log: n.cfg.Log})
	}
	return n.openOverlay(word)
}

// listed returns a function for the roots held whole that match.
func (n *Node) listed(match func(store.RootInfo) bool) func() []cid.Cid {
	return func() []cid.Cid {
		roots, err := n.store.Roots()
		if err != nil {
			n.cfg.Log.Warn("shares not announced", "error", err)
		}
		var out []cid.Cid
		for _, r := range roots {
			if r.Complete && match(r) {
				out = append(out, r.Cid)
			}
		}
		return out
	}
}

// aminoBootstrap returns the peers by which to join the public table: those configured, be it none, so that a
// network of one's own can stand in for the internet.
func (n *Node) aminoBootstrap() []peer.AddrInfo {
	if len(n.cfg.Options.Bootstrap) > 0 {
		return n.bootstrap
	}
	return kademlia.AminoBootstrap()
}
