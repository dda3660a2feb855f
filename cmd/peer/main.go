// Command peer shares files between machines and fetches them by link.
//
// This file wires the command line to the node; each verb has a file of its own, and root.go lists them.
// A verb that needs a peer is handed to the one process that holds its home: see hand.go and package
// daemon below this folder. What the user sees is made in people.go and json.go from the same events.
package main

import (
	"os"

	"github.com/seed4134be55/peer/cmd/peer/daemon"
)

// version is set when a release is linked.
var version string

func main() { mainOf(openNode) }

// mainOf runs the program on nodes that open builds.
func mainOf(open daemon.Open) {
	p := &program{
		args:    os.Args[1:],
		environ: os.Environ(),
		in:      os.Stdin,
		out:     os.Stdout,
		err:     os.Stderr,
		open:    open,
	}
	os.Exit(p.run())
}
