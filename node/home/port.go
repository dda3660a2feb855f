package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

const portFile = "port"

// Port returns the port that this peer listened on last, so that its links stay good; 0 if there is none
// yet or the file makes no sense.
func (h *Home) Port() (int, error) {
	raw, err := os.ReadFile(h.Path(portFile))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, trouble(h.dir, err)
	}
	port, err := strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 16)
	if err != nil {
		return 0, nil // a port is easily chosen anew
	}
	return int(port), nil
}

// SetPort keeps port, 1 to 65535, for the next start. The lock must be held.
func (h *Home) SetPort(port int) error {
	if port < 1 || port > 65535 {
		return fmt.Errorf("port %d: not from 1 to 65535", port)
	}
	if err := write(h.Path(portFile), []byte(strconv.Itoa(port)+"\n")); err != nil {
		return trouble(h.dir, err)
	}
	return nil
}
