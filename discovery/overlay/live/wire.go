package live

import (
	"bufio"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Bounds of what waits to be written to one stream. A frame for which there is no room is not sent.
const (
	maxQueued      = 512
	maxQueuedBytes = 1 << 20
	writeTimeout   = 10 * time.Second // for what was queued at once
)

// A wire is one stream with a queue before it. Its methods may be called by anybody, and none of them waits but write.
type wire struct {
	stream network.Stream
	peer   peer.ID
	with   ma.Multiaddr // where the other is
	in     *bufio.Reader
	open   int           // incoming: questions that are being answered; the loop's
	done   chan struct{} // closed when write has ended

	mu      sync.Mutex // guards what follows
	queue   [][]byte
	bytes   int
	ending  bool          // nothing more is taken; what is queued is written
	wake    chan struct{} // has room for one
	waiting map[uint64]bool
}

func newWire(s network.Stream) *wire {
	return &wire{
		stream: s, peer: s.Conn().RemotePeer(), with: s.Conn().RemoteMultiaddr(), in: bufio.NewReaderSize(s, 4096),
		done: make(chan struct{}), wake: make(chan struct{}, 1), waiting: make(map[uint64]bool),
	}
}

// push has a frame written, and reports whether there was room for it.
func (w *wire) push(b []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ending || len(w.queue) >= maxQueued || w.bytes+len(b) > maxQueuedBytes {
		return false
	}
	w.queue = append(w.queue, b)
	w.bytes += len(b)
	w.poke()
	return true
}

func (w *wire) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// finish closes the stream once all that is queued is written.
func (w *wire) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ending = true
	w.poke()
}

// kill closes the stream at once.
func (w *wire) kill() {
	_ = w.stream.Reset()
	w.finish()
}

func (w *wire) take() (batch [][]byte, ending bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	batch, w.queue, w.bytes = w.queue, nil, 0
	return batch, w.ending
}

// write writes what is queued until finish or kill. It is run once, by the stream's writing goroutine.
func (w *wire) write() {
	defer close(w.done)
	for range w.wake {
		batch, ending := w.take()
		_ = w.stream.SetWriteDeadline(time.Now().Add(writeTimeout))
		for _, b := range batch {
			if _, err := w.stream.Write(b); err != nil {
				w.kill() // the reader sees it, and says so
				return
			}
		}
		if ending {
			_ = w.stream.CloseWrite()
			return
		}
	}
}

// part closes the stream once all is written, or after a while.
func (w *wire) part(patience <-chan time.Time) {
	w.finish()
	select {
	case <-w.done:
		_ = w.stream.CloseRead()
	case <-patience:
		w.kill()
	}
}

// expect notes that a question with this number goes out.
func (w *wire) expect(number uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting[number] = true
}

// expected reports whether an answer to number is waited for: once.
func (w *wire) expected(number uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.waiting[number] {
		return false
	}
	delete(w.waiting, number)
	return true
}

// unanswered returns how many questions are, those given up among them.
func (w *wire) unanswered() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting)
}
