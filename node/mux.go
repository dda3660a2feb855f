package node

import (
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
)

// The bounds of what one stream may have under way, in bytes. A window doubles while it is used up within four
// round trips, and go-yamux v5.1.0 then grants half of the old one too little, for good. So the sender ends up with
// half of the window and half of the first one: all that may come while an update is on its way is the latter. A first
// window that holds a path of 100 Mbit/s and 80 ms is never in the way there. Longer paths stand still for what is left
// of a round trip, once a window: at libp2p's own bound of 16 MiB that was 27 MB/s of 40 over 100 ms; with room to
// double on, the windows grow until it is a fifth at most.
//
// What a first window holds beyond libp2p's 256 KiB is not reserved with the resource manager, which bounds the number
// of streams; what it grows by is.
const firstWindow, longestWindow = 1 << 20, 64 << 20

// muxer is libp2p's yamux with windows for long paths.
func muxer() libp2p.Option {
	config := *yamux.DefaultTransport.Config()
	config.InitialStreamWindowSize, config.MaxStreamWindowSize = firstWindow, longestWindow
	return libp2p.Muxer(yamux.ID, (*yamux.Transport)(&config))
}
