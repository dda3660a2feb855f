package node

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/store"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/swarm"
)

// watchEvery is how often transfers are told to who watches them.
const watchEvery = time.Second

// Transfers implements api.Service.
func (n *Node) Transfers(ctx context.Context, r api.TransfersRequest, emit func(api.Event)) error {
	clock := time.NewTicker(watchEvery)
	defer clock.Stop()
	for {
		events, err := n.transfersNow()
		if err != nil {
			return err
		}
		if r.Watch {
			emit(api.Event{Event: api.EventRound, Transfers: len(events)})
		}
		for _, e := range events {
			emit(e)
		}
		if !r.Watch {
			return nil
		}
		select {
		case <-clock.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// transfersNow returns what is being fetched, what others have open, and what is paused.
func (n *Node) transfersNow() ([]api.Event, error) {
	roots, err := n.store.Roots()
	if err != nil {
		return nil, err
	}
	active := n.activeTransfers()
	sessions := make([]*swarm.Session, 0, len(active))
	for _, t := range active {
		sessions = append(sessions, t.session)
	}
	with := n.swarm.Trades(sessions...)
	var events []api.Event
	paths, told := make(map[string]bool), make(map[cid.Cid]bool)
	for _, t := range active {
		paths[t.path], told[t.link.Cid] = true, true
		events = append(events, trading(activeEvent(t), with[t.link.Cid]))
	}
	for _, r := range roots {
		switch {
		case r.Kind == store.Fetched && !r.Complete && !paths[r.Path]:
			told[r.Cid] = true
			events = append(events, trading(n.pausedEvent(r), with[r.Cid]))
		case r.Complete && len(with[r.Cid]) > 0 && !told[r.Cid]:
			told[r.Cid] = true
			events = append(events, trading(servedEvent(r), with[r.Cid]))
		}
	}
	return events, nil
}

// activeTransfers returns what is being fetched, in the order in which that began.
func (n *Node) activeTransfers() []*transfer {
	n.lock.Lock()
	defer n.lock.Unlock()
	all := make([]*transfer, 0, len(n.transfers))
	for t := range n.transfers {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *transfer) int { return cmp.Or(a.started.Compare(b.started), strings.Compare(a.path, b.path)) })
	return all
}

func activeEvent(t *transfer) api.Event {
	e := progress(t)
	e.Event, e.State = api.EventTransfer, api.TransferActive
	return e
}

func servedEvent(r store.RootInfo) api.Event {
	return api.Event{
		Event: api.EventTransfer, State: api.TransferServed, Cid: r.Cid.String(), Name: r.Name, Path: r.Path, Bytes: r.Bytes, Total: r.Bytes,
	}
}

// pausedEvent tells of a download that nobody goes on with just now.
func (n *Node) pausedEvent(r store.RootInfo) api.Event {
	e := api.Event{
		Event: api.EventTransfer, State: api.TransferPaused, Cid: r.Cid.String(), Name: filepath.Base(r.Path), Path: r.Path,
		Bytes: r.Held, Total: r.Bytes,
	}
	if r.Link != "" {
		e.Hint = fmt.Sprintf("peer get -o %s %s", quoted(filepath.Dir(r.Path)), quoted(r.Link))
	}
	return e
}

// quoted makes a word of a shell's command line of s.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// trading adds the peers of a transfer and what they sum up to.
func trading(e api.Event, with []swarm.Trade) api.Event {
	for _, x := range with {
		e.UpRate += x.Up
		if x.Sent > 0 {
			e.Clients++
		}
		e.Swarm = append(e.Swarm, api.SwarmPeer{
			Peer: x.ID.String(), From: x.Origin, Have: x.Share, LAN: x.Near, Relayed: x.Relayed, Limited: x.Limited,
			Source: x.Source, Rate: x.Down, Received: x.Received, AmInterested: x.Wanted, PeerChoking: x.Source && x.ChokesUs,
			Client: x.Client, UpRate: x.Up, Sent: x.Sent, PeerInterested: x.Interested, AmChoking: x.Client && x.Choked,
		})
	}
	return e
}
