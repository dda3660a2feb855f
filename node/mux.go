package node

import (
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
)

// longestWindow bounds what one stream may have under way, in bytes. A window doubles while it is used up within four
// round trips, and go-yamux v5.1.0 then grants half of the old one too little, for good: the sender stands still for
// what is left of a round trip, once a window. At libp2p's own bound of 16 MiB that was 27 MB/s of 40 over 100 ms; with
// room to double on, the windows grow until it is a fifth at most.
//
// The first window stays at libp2p's 256 KiB. A larger one would make it less, but what it holds has left for whoever
// writes: eight downloaders with 1 MiB each had 8 seconds of a seed at 8 Mbit/s in their buffers, where nothing can be
// ordered, taken back or counted as not sent any more.
const longestWindow = 64 << 20

// muxer is libp2p's yamux with windows for long paths.
func muxer() libp2p.Option {
	config := *yamux.DefaultTransport.Config()
	config.MaxStreamWindowSize = longestWindow
	return libp2p.Muxer(yamux.ID, (*yamux.Transport)(&config))
}
