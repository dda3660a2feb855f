package process

import (
	"bytes"
	"sync"
	"time"
)

const (
	maxLines = 1 << 14 // kept for a reader that lags; older ones are dropped
	maxTail  = 64 << 10
)

// line is one line of output and when it came.
type line struct {
	text string
	at   time.Duration // since the process was started
}

// lines cuts what is written to it into lines and queues them. It never makes the writer wait: a program
// under test must not stall because nobody reads its progress.
type lines struct {
	start time.Time
	wake  chan struct{} // holds one token while there may be news

	mu     sync.Mutex
	part   []byte // a line without its end
	queue  []line
	last   string
	closed bool
}

// Write implements io.Writer for exec's copying goroutine.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := time.Since(l.start)
	l.part = append(l.part, p...)
	for {
		i := bytes.IndexByte(l.part, '\n')
		if i < 0 {
			break
		}
		l.push(line{string(l.part[:i]), at})
		l.part = l.part[i+1:]
	}
	l.signal()
	return len(p), nil
}

func (l *lines) push(n line) {
	if len(l.queue) == maxLines {
		l.queue = l.queue[1:]
	}
	l.queue = append(l.queue, n)
	l.last = n.text
}

func (l *lines) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.part) > 0 {
		l.push(line{string(l.part), time.Since(l.start)})
	}
	l.closed = true
	l.signal()
}

func (l *lines) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// next takes the oldest line; ended says that no more will come.
func (l *lines) next() (n line, ok, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return line{}, false, l.closed
	}
	n, l.queue = l.queue[0], l.queue[1:]
	return n, true, false
}

func (l *lines) lastLine() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// tail keeps the last maxTail bytes written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - maxTail; over > 0 {
		t.buf = t.buf[over:]
	}
	return len(p), nil
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
