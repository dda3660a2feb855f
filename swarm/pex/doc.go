// Package pex is peer exchange: what a peer tells another of who else has a root open, and what it puts up with being
// told. The model is BitTorrent's (BEP 11): who has come and who has gone since the last time, at most 50 of each, at most
// once a minute. Beyond it, a peer that knows few may ask.
//
// It is pure: who is connected, the time and the randomness are handed in. It is not the messages (package wire), nor
// does it know addresses or decide whom to dial: package swarm does, which drives it.
//
// Start reading at Teller.
package pex

import "time"

const (
	// Every is how often one peer tells another unasked, at most; the first time is at once.
	Every = time.Minute
	// Pause is how long one that was found to be told nothing new is left alone.
	Pause = 500 * time.Millisecond
	// MaxPeers is how many are added in one message, and how many dropped.
	MaxPeers = 50
	// MaxTold is how many peers one other is told of at a time. Who knows so many needs no more.
	MaxTold = 200
	// AskEvery is how often one peer asks another, at most, and AskBelow with how many connections for the root it
	// no longer does.
	AskEvery = 5 * time.Second
	AskBelow = 8
)
