package netlab

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// name is a lab's name, held so that no other process on this machine takes it. It has four letters at
// most: it is the prefix of an interface's name, and Linux allows fifteen in all.
type name struct {
	text string
	hold net.Listener
}

// claimName takes the first free name. The hold is a Unix socket in Linux' abstract space, which the kernel frees
// when the process ends, however it ends. So a name comes back, and with it what a killed test left.
func claimName() (*name, error) {
	for i := range 26 * 26 {
		text := "pl" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		hold, err := net.Listen("unix", "@peer-netlab-"+text)
		if err == nil {
			return &name{text, hold}, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("netlab: hold a name: %w", err)
		}
	}
	return nil, errors.New("netlab: every name is taken")
}

func (n *name) release() { _ = n.hold.Close() }
