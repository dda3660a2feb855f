// Package sim runs the machines of an overlay in virtual time: the other driver beside package overlay/live. One
// goroutine takes event after event from a queue, so that a seed gives the same run whatever else the computer does, and a
// hundred thousand peers fit into one process. (Latencies are floating point: computers of another architecture may round
// them otherwise.)
//
// It knows no overlay: that comes as an overlay.Protocol. It is not a model of one either, since the machines are those
// that run between real peers. What is modelled is the network: latencies (latency.go), loss, partitions, peers that
// join, leave and crash (peers.go, churn.go). Messages are counted as long as they are on the wire (book.go), and with
// Config.Check each is really encoded and decoded.
//
// Start reading at Sim and Config; an event's way is run.go, then deliver.go.
package sim
