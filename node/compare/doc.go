// Package compare runs the same work over several ways of finding content and says what each costs. Here it simulates:
// every overlay of the list that node hands in runs as many machines as there are peers, in virtual time, by package
// discovery/sim. The machines are those that find content between real peers.
//
// It knows no overlay and prints nothing. What is measured, and how the papers measure it, is in docs/discovery.md.
// Start reading at Run in run.go, then trial.go, which is one mode's run from the first table to the last lookup.
package compare
