package have

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	askTimeout = 2 * time.Second // for one peer to answer, dialling included
	maxAsking  = 32              // peers asked at a time by one AskEach
)

// Client asks the question. It has no state, and all its methods may be called concurrently.
type Client struct{ Host host.Host }

// Answer is what one peer says it has: Have[i] is about the i-th CID asked for.
type Answer struct {
	Peer peer.ID
	Have []bool
}

// Ask asks p which of cids, 1 to 256, it has. It waits 2 s at most. It dials p if there is no
// connection and the host knows an address.
func (c Client) Ask(ctx context.Context, p peer.ID, cids []cid.Cid) ([]bool, error) {
	request, err := appendRequest(nil, cids)
	if err != nil {
		return nil, err
	}
	have, err := c.exchange(ctx, p, request, len(cids))
	if err != nil {
		return nil, fmt.Errorf("ask %s what it has: %w", p, err)
	}
	return have, nil
}

func (c Client) exchange(ctx context.Context, p peer.ID, request []byte, count int) ([]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	// A question is small and welcome over a relay's limited connection too.
	stream, err := c.Host.NewStream(network.WithAllowLimitedConn(ctx, "have"), p, Protocol)
	if err != nil {
		return nil, err
	}
	// The reset unblocks whatever waits on the stream; after a whole answer it does nothing.
	stop := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	defer stop()
	defer func() { _ = stream.Reset() }()
	if _, err := stream.Write(request); err != nil {
		return nil, err
	}
	if err := stream.CloseWrite(); err != nil {
		return nil, err
	}
	have, err := readAnswer(stream, count)
	if err == nil {
		_ = stream.Close()
	}
	return have, err
}

// AskAll asks all of peers as AskEach does.
func (c Client) AskAll(ctx context.Context, peers []peer.ID, cids []cid.Cid) (<-chan Answer, error) {
	todo := make(chan peer.ID, len(peers))
	for _, p := range peers {
		todo <- p
	}
	close(todo)
	return c.AskEach(ctx, todo, cids)
}

// AskEach asks the peers that come from peers until it is closed, 32 at a time, and yields the
// answers that have a yes in them as they come. Peers that do not answer within 2 s are passed
// over. The channel closes when all were asked or soon after ctx ends, whether or not it is read.
// It fails only if the question cannot be put.
func (c Client) AskEach(ctx context.Context, peers <-chan peer.ID, cids []cid.Cid) (<-chan Answer, error) {
	request, err := appendRequest(nil, cids)
	if err != nil {
		return nil, err
	}
	out := make(chan Answer)
	var asking sync.WaitGroup
	for range maxAsking {
		asking.Go(func() { c.work(ctx, peers, request, len(cids), out) })
	}
	go func() {
		asking.Wait()
		close(out)
	}()
	return out, nil
}

// work is one of the askers.
func (c Client) work(ctx context.Context, peers <-chan peer.ID, request []byte, count int, out chan<- Answer) {
	for {
		var p peer.ID
		select {
		case <-ctx.Done():
			return
		case next, ok := <-peers:
			if !ok {
				return
			}
			p = next
		}
		have, err := c.exchange(ctx, p, request, count)
		if err != nil || !slices.Contains(have, true) {
			continue
		}
		select {
		case out <- Answer{p, have}:
		case <-ctx.Done():
			return
		}
	}
}
