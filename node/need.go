package node

import "time"

// How often the modes are asked for more sources of a root. A question costs others a lookup, and a swarm that is well
// connected hears of newcomers by itself.
const (
	findLook   = time.Second      // how often the need is looked at; also the first pause, doubled each time
	findLonely = 15 * time.Second // with nobody of use, or next to nobody
	findSome   = time.Minute
	findPlenty = 5 * time.Minute

	fewSources, plentySources = 3, 16
)

// findAfter returns how long to wait after the modes were asked so many times, with so many useful sources now. The first
// pauses are short, as a table that has just begun to join knows nobody, and a second later it does. When sources are
// lost, the wait that has begun is cut short.
func findAfter(times, useful int) time.Duration {
	longest := findLonely
	switch {
	case useful >= plentySources:
		longest = findPlenty
	case useful >= fewSources:
		longest = findSome
	}
	return min(findLook<<min(times-1, 10), longest)
}
