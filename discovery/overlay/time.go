package overlay

import "time"

// Time is a moment as a driver tells it: nanoseconds since 1970, which in a simulator begins with the run. It never goes
// back. It is an integer and no time.Time since a machine keeps thousands.
type Time int64

// At returns t as a Time.
func At(t time.Time) Time { return Time(t.UnixNano()) }

// Std returns t as a time.Time.
func (t Time) Std() time.Time { return time.Unix(0, int64(t)) }

// Add returns the moment d later.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// Sub returns how much later t is than u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }
