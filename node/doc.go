// Package node builds one peer out of its parts and runs it.
//
// New is the only place where parts meet: the libp2p host, the store, the swarm and the discovery modes
// know one another only through small interfaces that are joined here. A Node is what the control API
// (package api) serves to the verbs; share.go, get.go and their neighbours each hold one verb.
//
// Start reading at node.go.
package node
