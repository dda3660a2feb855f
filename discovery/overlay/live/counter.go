package live

import "sync/atomic"

// Stats count the messages of the overlay that a mode has sent, without hellos, pings and what frames add. A simulator
// counts the same.
type Stats struct{ Messages, Bytes uint64 }

// A counter counts on the loop and is read by anybody.
type counter struct{ messages, bytes atomic.Uint64 }

func (c *counter) sent(bytes int) {
	c.messages.Add(1)
	c.bytes.Add(uint64(bytes))
}

// Stats returns what was sent since the mode was made.
func (m *Mode) Stats() Stats {
	return Stats{m.loop.counted.messages.Load(), m.loop.counted.bytes.Load()}
}
