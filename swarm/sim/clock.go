package sim

import "time"

// clock is virtual time: a heap of what is to happen. What is set for the same moment happens in the order it was set,
// so that messages from one peer to another stay in order.
type clock struct {
	now   time.Duration
	heap  []event
	count int // events so far
	set   uint64
}

type event struct {
	at  time.Duration
	seq uint64
	do  func()
}

func (e event) before(o event) bool { return e.at < o.at || e.at == o.at && e.seq < o.seq }

// after lets do happen in a while.
func (c *clock) after(d time.Duration, do func()) { c.at(c.now+d, do) }

// at lets do happen at a time that has not passed.
func (c *clock) at(t time.Duration, do func()) {
	c.set++
	c.heap = append(c.heap, event{t, c.set, do})
	for i := len(c.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !c.heap[i].before(c.heap[parent]) {
			break
		}
		c.heap[i], c.heap[parent] = c.heap[parent], c.heap[i]
		i = parent
	}
}

// step lets the next thing happen. It returns false when there is none before limit.
func (c *clock) step(limit time.Duration) bool {
	if len(c.heap) == 0 || c.heap[0].at > limit {
		return false
	}
	e := c.pop()
	c.now = e.at
	c.count++
	e.do()
	return true
}

func (c *clock) pop() event {
	first, last := c.heap[0], len(c.heap)-1
	c.heap[0] = c.heap[last]
	c.heap[last] = event{}
	c.heap = c.heap[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if c.heap[child].before(c.heap[least]) {
				least = child
			}
		}
		if least == i {
			return first
		}
		c.heap[i], c.heap[least] = c.heap[least], c.heap[i]
		i = least
	}
}
