// Package chord is one node of a Chord ring (Stoica, Morris, Liben-Nowell, Karger, Kaashoek, Dabek, Balakrishnan,
// "Chord: A Scalable Peer-to-peer Lookup Protocol for Internet Applications", ToN 2003), as a pure machine: a ring of
// 160 bits, a successor list, fingers and a predecessor.
//
// Published Chord is not correct: there are orders of joins and failures after which its ring is not one any more. The
// rules here are those of Zave ("Reasoning about identifier spaces: how to make Chord correct", TSE 43(12), 2017, and the
// Alloy model beside it, whose operations are named Join, StabilizeFromSuccessor, StabilizeFromPredecessor and Rectify).
//
// Keys are the first 160 bits of a SHA-256 (see overlay.Key), where the paper has SHA-1: as long and as evenly spread, so
// that its figures hold, and nobody can make two inputs with one key.
//
// It does no I/O and knows no driver. Start reading at Node in machine.go; then join.go, lookup.go and maintain.go, one
// method for each event and message. A lookup's questions are in lookup.go, what others are told in locate.go, and what
// their answers lead to in answer.go and ending.go; ring.go has the arithmetic of circles, and docs/discovery.md the
// protocol.
package chord
