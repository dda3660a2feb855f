package pex

import "time"

// An Asker says when to ask for peers of one root. The zero value has not asked.
type Asker struct{ next time.Time }

// Ask tells whether to ask somebody now that we are connected to so many peers for the root, and counts it as done.
func (a *Asker) Ask(now time.Time, connected int) bool {
	if connected >= AskBelow || now.Before(a.next) {
		return false
	}
	a.next = now.Add(AskEvery)
	return true
}
