package sim

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/seed4134be55/peer/fault"
)

// MaxMatrix bounds the rows of a matrix of latencies.
const MaxMatrix = 4096

// A matrix holds round trip times between measured hosts, in milliseconds, row by row. It may be lopsided.
type matrix struct {
	rows  int
	times []float32
}

// ReadMatrix returns the latencies in a text: for each host a line with the round trip times to all hosts, in
// milliseconds, apart by blanks or commas. Lines that are empty or begin with # do not count. A time below zero was not
// measured, and is taken for the mean of the others. Peer i is at host i modulo their number; the time between two peers at one
// host is on the diagonal. The error is fault.BadInput or the reader's.
func ReadMatrix(r io.Reader) (Latency, error) {
	m := new(matrix)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 32*MaxMatrix)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if err := m.add(strings.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == '\t' || c == ',' })); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if m.rows == 0 || len(m.times) != m.rows*m.rows {
		return nil, fault.New(fault.BadInput, "%d rows with %d times: want as many times in each row as there are rows", m.rows, len(m.times))
	}
	return m, m.complete()
}

func (m *matrix) add(words []string) error {
	if m.rows++; m.rows > MaxMatrix {
		return fault.New(fault.BadInput, "more than %d rows", MaxMatrix)
	}
	if m.rows > 1 && len(words)*(m.rows-1) != len(m.times) {
		return fault.New(fault.BadInput, "%d times, and %d in the row before", len(words), len(m.times)/(m.rows-1))
	}
	for _, w := range words {
		v, err := strconv.ParseFloat(w, 32)
		if err != nil || !(v <= maxRoundTrip) {
			return fault.New(fault.BadInput, "%q: want milliseconds, up to %d", w, maxRoundTrip)
		}
		m.times = append(m.times, float32(v))
	}
	return nil
}

const maxRoundTrip = 1 << 20 // ms: a quarter of an hour

// complete puts the mean in the place of what was not measured.
func (m *matrix) complete() error {
	sum, n := 0.0, 0
	for _, v := range m.times {
		if v >= 0 {
			sum, n = sum+float64(v), n+1
		}
	}
	if n == 0 {
		return fault.New(fault.BadInput, "no time was measured")
	}
	for i, v := range m.times {
		if v < 0 {
			m.times[i] = float32(sum / float64(n))
		}
	}
	return nil
}

// OneWay implements Latency.
func (m *matrix) OneWay(a, b int, _ *rand.Rand) time.Duration { return m.RoundTrip(a, b) / 2 }

// RoundTrip implements Latency.
func (m *matrix) RoundTrip(a, b int) time.Duration {
	ms := float64(m.times[a%m.rows*m.rows+b%m.rows])
	return time.Duration(math.Round(ms * float64(time.Millisecond)))
}
