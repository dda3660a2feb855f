// Package overlay holds the words that structured overlays and their drivers share. An overlay is a [Machine]: one
// peer's view of Chord, Pastry, Kelips or Kademlia, which takes events and the time and says what to do. A driver does
// it: package live (below this one) over libp2p streams, package sim (beside it) in virtual time. Both run the same
// machines, so what is true of a hundred thousand simulated peers is true of the code that finds content on a LAN.
//
// It does no I/O and knows no overlay. Start reading at Machine; what a machine hears is in event.go, what it may ask
// for in action.go. A message says what it is made of once, in [Message.Fields], and a [Coder] encodes, decodes and
// measures by that. [Shelf] keeps records, [Lost] remembers peers that may come back.
package overlay
