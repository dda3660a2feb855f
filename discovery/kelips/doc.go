// Package kelips is one node of Kelips (Gupta, Birman, Linga, Demers and van Renesse: Kelips: Building an Efficient and
// Stable P2P DHT Through Increased Memory and Background Overhead, IPTPS 2003), as a pure machine.
//
// A network has k affinity groups, about the square root of its nodes. A node knows all of its own group (its view), c
// nodes of each other (its contacts), and the records of the keys that fall into its group (the paper's file tuples). All
// of that travels by gossip of a fixed size a round, so that what a node sends does not grow with the network; a lookup
// asks one contact.
//
// Start reading at Node. What a node knows of others is in table.go, gossip and what it is for in maintain.go, records in
// tuples.go. The protocol with each of its rules is in docs/discovery.md.
package kelips
