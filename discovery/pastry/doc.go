// Package pastry is Pastry (A. Rowstron and P. Druschel, "Pastry: Scalable, Decentralized Object Location, and Routing for
// Large-Scale Peer-to-Peer Systems", Middleware 2001) as a pure machine: it takes events and says what to do, and a driver
// of overlay does it, over libp2p or in virtual time. Periodic recovery is that of Bamboo (S. Rhea et al., "Handling Churn
// in a DHT", USENIX 2004).
//
// Each node has a leaf set (leafset.go), a routing table (table.go) and a neighbourhood set. A message for a key goes from
// node to node, each time to one that shares a longer prefix with the key or is numerically closer to it (route.go), until
// it is with the numerically closest. Start reading at Node.Step in machine.go; docs/discovery.md has the protocol.
package pastry
