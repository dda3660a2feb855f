// Package crashtest kills real peers at random moments and looks at what is left, and measures what they
// hold of memory and descriptors when what they share is huge. Everything happens on loopback.
//
// It holds tests only. Start reading at TestKilledGetter. How often it kills is a flag:
//
//	go test ./internal/crashtest -run Killed -rounds 200 -v
//
// The seed is printed, and -seed takes it again; moments are then the same, as far as the machine's are.
package crashtest
