// Package swarm moves the pieces of one root between peers.
//
// A [Swarm] is one peer's part in every swarm: it serves what a [Library] holds and opens channels to
// other peers. A [Session] downloads one root: a single loop owns its state (which source has what, what
// was asked of whom), the [Source]s deliver blocks to a few workers that verify and write them, and only
// the outcome reaches the loop. What decides is elsewhere and pure: package picker says which leaf next
// and from whom, package choker whom to serve, package wire what the bytes mean (docs/protocol.md).
//
// It is not discovery: whoever runs a session tells it of peers (AddPeer), and it is not storage: a
// session writes to a [Sink] and a server reads from [Content], both of which package store implements.
//
// Start reading at session.go (downloading) and server.go (serving).
package swarm
