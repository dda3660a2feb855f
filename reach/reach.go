// Package reach says how far a peer goes: this machine, its local network, or the internet.
//
// One Reach holds for everything a peer does: what it listens on and puts into links, whom it dials
// and lets in, where it speaks mDNS, whether it asks a name server. The package knows addresses and
// interfaces and nothing else; it starts nothing. Start reading at Reach.Allows.
package reach

import (
	"github.com/seed4134be55/peer/fault"
)

// Reach is one distance. The zero value is Loopback, the shortest, so that a forgotten field keeps
// a peer in rather than letting it out.
type Reach uint8

// The three distances, each including the ones before it.
const (
	// Loopback: this machine. Never touches another interface.
	Loopback Reach = iota
	// LAN: private addresses of the local networks, and Loopback. Never a public address.
	LAN
	// Internet: everything.
	Internet
)

var names = [...]string{Loopback: "loopback", LAN: "lan", Internet: "internet"}

// Parse reads the words of --reach and PEER_REACH. Its error is fault.BadInput.
func Parse(word string) (Reach, error) {
	for r, name := range names {
		if word == name {
			return Reach(r), nil
		}
	}
	return Loopback, fault.New(fault.BadInput, "reach %q: want loopback, lan or internet", word)
}

// String returns the word that Parse reads.
func (r Reach) String() string {
	if int(r) < len(names) {
		return names[r]
	}
	return "unknown"
}
