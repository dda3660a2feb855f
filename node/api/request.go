package api

import "time"

// Paths in requests are absolute: the process that does the work has another working directory than
// the one that asked.

// ShareRequest asks to import paths and serve them.
type ShareRequest struct {
	Paths    []string `json:"paths"`
	Profile  string   `json:"profile,omitempty"` // UnixFS profile; "" is the default one
	Name     string   `json:"name,omitempty"`    // instead of the path's last element; one path only
	NoHidden bool     `json:"no_hidden,omitempty"`
	Preserve bool     `json:"preserve,omitempty"` // keep mode and modification time
	Public   bool     `json:"public,omitempty"`   // announce to the internet's DHT as well
	Unlisted bool     `json:"unlisted,omitempty"` // announce nowhere: by link only
}

// GetRequest asks to fetch links.
type GetRequest struct {
	Links     []string      `json:"links"`
	Dir       string        `json:"dir"` // where each download gets its own name; made if missing
	Overwrite bool          `json:"overwrite,omitempty"`
	Seed      bool          `json:"seed,omitempty"`       // go on serving when done
	Timeout   time.Duration `json:"timeout_ns,omitempty"` // without any source for so long: not found; 0 for ever
	Mode      string        `json:"mode,omitempty"`       // ask it alone for sources, and not the links' own addresses
}

// ListRequest asks what is in a folder.
type ListRequest struct {
	Link    string        `json:"link"`
	Timeout time.Duration `json:"timeout_ns,omitempty"` // as in GetRequest
}

// CatRequest asks for the bytes of one file.
type CatRequest struct {
	Link    string        `json:"link"`
	Offset  int64         `json:"offset,omitempty"`     // bytes the caller already has, from an answer that broke off
	Timeout time.Duration `json:"timeout_ns,omitempty"` // as in GetRequest
}

// ForgetRequest asks to drop a root.
type ForgetRequest struct {
	Link string `json:"link"`
}

// RouteRequest asks for the way of a lookup.
type RouteRequest struct {
	Mode string `json:"mode,omitempty"` // "" is the first that runs and can
	Key  string `json:"key"`            // a CID, or any other word of 1 to MaxKey bytes
}

// PutRequest asks to store a value under a key.
type PutRequest struct {
	Mode  string `json:"mode,omitempty"` // as in RouteRequest
	Key   string `json:"key"`            // as in RouteRequest
	Value []byte `json:"value"`          // at most MaxValue bytes
}

// ValueRequest asks for the values under a key.
type ValueRequest struct {
	Mode string `json:"mode,omitempty"` // as in RouteRequest
	Key  string `json:"key"`            // as in RouteRequest
}

// TransfersRequest asks what moves.
type TransfersRequest struct {
	Watch bool `json:"watch,omitempty"` // again every second, after an EventRound each time, until the caller leaves
}

// The requests that say nothing yet.
type (
	ServeRequest  struct{} // be a daemon; what it does beyond that is in Options
	StatusRequest struct{} // how is this peer
	PeersRequest  struct{} // who is connected
	SharesRequest struct{} // what does this home hold
	DoctorRequest struct{} // why can nobody reach me
)
