package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/seed4134be55/peer/fault"
)

// units are what a rate may end in, in lower case and without "/s", as bytes. Kb, Mb and Gb are refused
// before: some mean bits by them and some bytes.
var units = map[string]float64{
	"": 1, "b": 1,
	"k": 1e3, "kb": 1e3, "kib": 1 << 10, "kbit": 1e3 / 8,
	"m": 1e6, "mb": 1e6, "mib": 1 << 20, "mbit": 1e6 / 8,
	"g": 1e9, "gb": 1e9, "gib": 1 << 30, "gbit": 1e9 / 8,
}

// parseRate reads bytes per second: 500000, 500kB, 10MB, 1.5MiB/s, 20Mbit/s. 0 is no limit.
func parseRate(s string) (int64, error) {
	text := strings.TrimSuffix(strings.TrimSpace(s), "/s")
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	unit := strings.TrimSpace(text[len(digits):])
	number, err := strconv.ParseFloat(digits, 64)
	factor, ok := units[strings.ToLower(unit)]
	if unit == "Kb" || unit == "Mb" || unit == "Gb" {
		return 0, fault.New(fault.BadInput, "is %s bits or bytes? say %cbit or %cB", unit, unit[0], unit[0])
	}
	v := number * factor
	if err != nil || !ok || v < 0 || v > math.MaxInt64/2 || (v > 0 && v < 1) || math.IsNaN(v) {
		return 0, fault.New(fault.BadInput, "want a rate such as 10MB, 1MiB/s or 20Mbit, or 0 for no limit")
	}
	return int64(v), nil
}

// formatBytes writes a count of bytes with three digits or so: 1.25 GiB.
func formatBytes(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n), 0
	for v >= 1023.5 && unit < 6 {
		v /= 1 << 10
		unit++
	}
	digits := 2
	if v >= 99.95 {
		digits = 0
	} else if v >= 9.995 {
		digits = 1
	}
	return fmt.Sprintf("%.*f %ciB", digits, v, "BKMGTPE"[unit])
}

// formatSeconds writes a span as people say it: 0.4 s, 12 s, 3m20s, 5h02m, 3 days.
func formatSeconds(s float64) string {
	switch {
	case s < 0 || math.IsNaN(s) || s > 100*365*24*3600:
		return "a long time"
	case s < 9.95:
		return fmt.Sprintf("%.1f s", s)
	case s < 59.5:
		return fmt.Sprintf("%.0f s", s)
	}
	d := time.Duration(s+0.5) * time.Second
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

func formatRate(bytesPerSecond float64) string { return formatBytes(int64(bytesPerSecond)) + "/s" }

// count writes a number with its noun: 1 file, 2 files.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
