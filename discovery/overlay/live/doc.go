// Package live runs the machines of a structured overlay between libp2p hosts: it is the driver that package sim is in
// virtual time, and the discovery.Mode over it.
//
// One loop (loop.go) owns the machines, the table of nodes (book.go), the timers and the questions under way; nothing else
// touches them. Streams have goroutines of their own, which check what comes before the loop sees it: its form, its
// bounds and its signatures. A peer has one outgoing stream to each other that it speaks to (link.go), on which it asks and
// gets answers; what others ask comes on theirs (serve.go). The bytes are in frame.go and hello.go, and in
// docs/protocol.md. What a Mode promises is made of operations of the machine in mode.go, provide.go, value.go and
// route.go.
//
// It knows no overlay: which one it runs is a [overlay.Protocol]. Start reading at Mode, then at loop.
package live
