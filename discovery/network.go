package discovery

import "github.com/seed4134be55/peer/fault"

// DefaultNetwork is the world of those who name none.
const DefaultNetwork = "main"

// CheckNetwork accepts the names of networks: 1 to 32 of a-z, 0-9 and '-', which fit in a protocol's
// id and in a DNS label as they are. Its error is fault.BadInput.
func CheckNetwork(name string) error {
	if len(name) == 0 || len(name) > 32 {
		return fault.New(fault.BadInput, "network %q: want 1 to 32 characters", name)
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return fault.New(fault.BadInput, "network %q: want only a-z, 0-9 and -, not %q", name, r)
		}
	}
	return nil
}
