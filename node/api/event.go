package api

import "time"

// The names of events: what Event.Event may be. The comment lists the fields that matter to it; the
// table always says which are written even when they are zero.
const (
	EventShared   = "shared"   // cid link name bytes files seconds; also path, audience
	EventCid      = "cid"      // path cid bytes
	EventProgress = "progress" // bytes total sources rate; also cid, name, files
	EventDone     = "done"     // cid path bytes fetched seconds; also files, message
	EventEntry    = "entry"    // name type cid; also bytes, target
	EventForgot   = "forgot"   // cid name; also path
	EventServing  = "serving"  // peer addrs
	EventStatus   = "status"   // peer version reach network modes home peers shares transfers
	EventPeer     = "peer"     // peer addrs; also agent, latency, sent, received
	EventShare    = "share"    // cid name bytes files complete; also link, path, public, unlisted, message
	EventTransfer = "transfer" // cid name bytes total sources rate; also up_rate, path, state
	EventCheck    = "check"    // name state message; also hint
	EventSkipped  = "skipped"  // path message: left out of an import, and why
	EventWarning  = "warning"  // message: something to know, that stops nothing
	EventState    = "state"    // message: what is going on just now ("hashing…", "looking for … on: …")
	EventVersion  = "version"  // version: what `peer version` says
	EventWaiting  = "waiting"  // message: the verb is done, the process stays for others
	EventError    = "error"    // kind message: the last line of an answer that failed
	EventEnd      = "end"      // the last line of an answer that did not; never shown
	EventData     = "data"     // bytes: so many raw bytes follow; never shown
)

// What Event.State and Event.Type may be.
const (
	CheckOK        = "ok" // of an EventCheck
	CheckProblem   = "problem"
	CheckUnknown   = "unknown"
	TransferActive = "active" // of an EventTransfer
	TransferPaused = "paused"
	TypeFile       = "file" // of an EventEntry
	TypeFolder     = "folder"
	TypeSymlink    = "symlink"
)

// An Event is one line of an answer, and one line of a verb's --json output. Which fields are there
// depends on Event: see the list above.
type Event struct {
	Event string `json:"event"`

	// What it is about.
	Cid    string `json:"cid"`
	Link   string `json:"link"`
	Name   string `json:"name"`   // as shared, not escaped
	Path   string `json:"path"`   // absolute, on this machine
	Type   string `json:"type"`   // TypeFile, …
	Target string `json:"target"` // of a symlink

	// How much of it.
	Bytes   int64   `json:"bytes"`   // of content; in progress: so far
	Total   int64   `json:"total"`   // bytes when done; 0 while unknown
	Fetched int64   `json:"fetched"` // bytes that came over the network, the rest was already here
	Files   int     `json:"files"`
	Seconds float64 `json:"seconds"` // since the verb began; in status: since the peer began
	Sources int     `json:"sources"` // peers that bytes come from
	Rate    float64 `json:"rate"`    // bytes per second, received
	UpRate  float64 `json:"up_rate"` // bytes per second, sent

	// A share.
	Audience string    `json:"audience"` // one line: who can fetch it
	Public   bool      `json:"public"`
	Unlisted bool      `json:"unlisted"`
	Complete bool      `json:"complete"`
	Added    time.Time `json:"added"`

	// A peer, this one or another.
	Peer     string   `json:"peer"`  // peer id
	Addrs    []string `json:"addrs"` // multiaddrs
	Agent    string   `json:"agent"`
	Latency  float64  `json:"latency"`  // seconds, round trip
	Sent     int64    `json:"sent"`     // bytes
	Received int64    `json:"received"` // bytes
	Words    int64    `json:"words"`    // bytes of the swarm's messages, beside the data, sent

	// This peer.
	Running   bool     `json:"running"` // it is on the network, not just opened to answer
	Pid       int      `json:"pid"`
	Version   string   `json:"version"`
	Home      string   `json:"home"`
	Reach     string   `json:"reach"`
	Network   string   `json:"network"`
	Modes     []string `json:"modes"`
	Peers     int      `json:"peers"`
	Shares    int      `json:"shares"`
	Transfers int      `json:"transfers"`

	// Words.
	State   string `json:"state"`   // CheckOK, …; TransferActive, …
	Kind    string `json:"kind"`    // of an error: a fault.Kind
	Message string `json:"message"` // one line, for people
	Hint    string `json:"hint"`    // one line: what to do about it
}
