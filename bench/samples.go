package main

import (
	"fmt"
	"slices"
)

// samples are the results of the runs of one side, in their order.
type samples []float64

func (s *samples) add(v float64) { *s = append(*s, v) }

// median returns the middle sample, or the mean of the middle two, or 0 of none.
func (s samples) median() float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// over returns the ratio of each run of s to the run of base beside it.
func (s samples) over(base samples) (ratios samples) {
	for i := range min(len(s), len(base)) {
		ratios.add(s[i] / base[i])
	}
	return ratios
}

// text is "median (least–most) unit", or a dash of none.
func (s samples) text(unit string) string {
	if len(s) == 0 {
		return "–"
	}
	text := number(s.median())
	if len(s) > 1 {
		text += fmt.Sprintf(" (%s–%s)", number(slices.Min(s)), number(slices.Max(s)))
	}
	if unit != "" {
		text += " " + unit
	}
	return text
}

// number gives three figures, which is what such a measurement is worth.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// row is one line of the table. A row without a baseline has no ratio.
type row struct {
	what           string
	unit           string
	baseline, peer samples
	reach          string
}

func (r row) cells() []string {
	return []string{r.what, r.baseline.text(r.unit), r.peer.text(r.unit), r.peer.over(r.baseline).text(""), r.reach}
}
