package compare

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
)

// A Result is what one mode came to: the object that --json prints. docs/discovery.md says how each figure is measured.
type Result struct {
	Event   string `json:"event"` // "result"
	Mode    string `json:"mode"`
	Driver  string `json:"driver"` // "sim", or "live" for real peers
	Peers   int    `json:"peers"`  // at the start
	Lookups int    `json:"lookups"`

	Success float64 `json:"success"` // share of the lookups
	Recall  float64 `json:"recall"`  // records found over those that live
	Hops    struct {
		Mean float64 `json:"mean"`
		P1   int     `json:"p1"`
		P50  int     `json:"p50"`
		P99  int     `json:"p99"`
	} `json:"hops"`
	Timeouts struct {
		Mean float64 `json:"mean"`
	} `json:"timeouts"`
	MessagesPerLookup float64 `json:"messages_per_lookup"`
	BytesPerLookup    float64 `json:"bytes_per_lookup"`
	Maintenance       float64 `json:"maintenance_bytes_per_peer_s"` // sent
	State             float64 `json:"state_bytes_per_peer"`
	Latency           struct {
		P50 float64 `json:"p50"`
		P99 float64 `json:"p99"`
	} `json:"latency_ms"`
	Load struct { // keys that a peer holds, over the mean
		P1  float64 `json:"p1"`
		P99 float64 `json:"p99"`
		Max float64 `json:"max"`
	} `json:"load"`
	Trace string `json:"trace"` // the hash of all that happened: equal for equal seeds
}

// Line returns the result as one line of JSON.
func (r Result) Line() []byte {
	line, err := json.Marshal(r)
	if err != nil {
		panic(err) // it holds no number that JSON has no word for: ratio and rounded see to that
	}
	return line
}

// ratio is a/b with as many digits as mean something, and 0 where there is nothing to divide by.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return rounded(a / b)
}

func rounded(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// percentile returns the smallest of sorted that at least p percent of them do not exceed; zero of nothing.
func percentile[T cmp.Ordered](sorted []T, p int) (at T) {
	if len(sorted) == 0 {
		return at
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

func sum[T int | float64](of []T) (total float64) {
	for _, x := range of {
		total += float64(x)
	}
	return total
}

// setLoad fills in Load from the number of keys that each peer holds.
func (r *Result) setLoad(keys []int) {
	slices.Sort(keys)
	mean := sum(keys) / float64(max(1, len(keys)))
	r.Load.P1 = ratio(float64(percentile(keys, 1)), mean)
	r.Load.P99 = ratio(float64(percentile(keys, 99)), mean)
	r.Load.Max = ratio(float64(percentile(keys, 100)), mean)
}
