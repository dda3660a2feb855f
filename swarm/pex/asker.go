package pex

import "time"

// An Asker says when to ask for peers of one root. The zero value has not asked.
type Asker struct{ next time.Time }

// Ask tells whether to ask somebody now, and counts it as done. connected returns how many peers we are connected to for
// the root.
func (a *Asker) Ask(now time.Time, connected func() int) bool {
	if now.Before(a.next) || connected() >= AskBelow {
		return false
	}
	a.next = now.Add(AskEvery)
	return true
}
