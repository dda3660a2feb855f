package process

import (
	"encoding/json"
	"strconv"
	"time"
)

// Event is one JSON line of peer's. Which fields are set depends on Name; docs of each verb say.
type Event struct {
	Name    string  `json:"event"`
	CID     string  `json:"cid"`
	Link    string  `json:"link"`
	Path    string  `json:"path"`
	Bytes   int64   `json:"bytes"`
	Total   int64   `json:"total"`
	Fetched int64   `json:"fetched"` // bytes that came over the network
	Files   int     `json:"files"`
	Sources int     `json:"sources"`
	Rate    float64 `json:"rate"` // bytes per second
	Seconds float64 `json:"seconds"`
	Kind    string  `json:"kind"`
	Message string  `json:"message"`

	Line string        `json:"-"` // the line itself, for other fields
	At   time.Duration `json:"-"` // when it came, since the process was started
}

// Event takes lines until one is the JSON object of that event. Other lines are dropped.
func (p *Process) Event(within time.Duration, name string) (Event, error) {
	return p.EventWhere(within, name, func(Event) bool { return true })
}

// EventWhere takes lines until one is the JSON object of an event of that name which match accepts:
// progress past 40 %, say.
func (p *Process) EventWhere(within time.Duration, name string, match func(Event) bool) (Event, error) {
	var found Event
	_, err := p.take(within, "event "+strconv.Quote(name), func(l line) bool {
		e := Event{Line: l.text, At: l.at}
		if json.Unmarshal([]byte(l.text), &e) != nil || e.Name != name || !match(e) {
			return false
		}
		found = e
		return true
	})
	return found, err
}
