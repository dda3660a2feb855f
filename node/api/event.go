package api

import "time"

// The names of events: what Event.Event may be. The comment lists the fields that matter to it; the
// table always says which are written even when they are zero.
const (
	EventShared   = "shared"   // cid link name bytes files seconds; also path, audience
	EventCid      = "cid"      // path cid bytes
	EventProgress = "progress" // bytes total sources rate; also cid, name, files, message (what it waits for)
	EventDone     = "done"     // cid path bytes fetched seconds; also files, message
	EventEntry    = "entry"    // name type cid; also bytes, target
	EventForgot   = "forgot"   // cid name; also path
	EventServing  = "serving"  // peer addrs
	EventStatus   = "status"   // peer version reach network modes home peers shares transfers
	EventPeer     = "peer"     // peer addrs state sent received; also agent, latency
	EventShare    = "share"    // cid name bytes files complete; also link, path, public, unlisted, message
	EventTransfer = "transfer" // cid name bytes total sources rate clients up_rate state swarm; also path, message, hint
	EventRound    = "round"    // transfers: a list that is repeated begins anew, and so many lines follow
	EventCheck    = "check"    // name state message; also hint
	EventSkipped  = "skipped"  // path message: left out of an import, and why
	EventWarning  = "warning"  // message: something to know, that stops nothing
	EventState    = "state"    // message: what is going on just now ("hashing…", "looking for … on: …")
	EventHop      = "hop"      // mode key hops peer distance latency: the lookup's next hop, hops counts from 1
	EventOwner    = "owner"    // mode key hops peer distance self: at the end, whom the lookup led to, after so many hops
	EventStored   = "stored"   // mode key bytes
	EventValue    = "value"    // mode key peer (who wrote it) value sequence expires self; base64 instead of a value that is no text
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
	TransferActive = "active" // of an EventTransfer: it is being fetched, and served
	TransferServed = "served" // nothing is fetched of it; others have it open here
	TransferPaused = "paused" // it is not whole and nobody fetches it; what is verified is served
	PeerDirect     = "direct" // of an EventPeer
	PeerRelayed    = "relayed"
	PeerLimited    = "limited" // relayed, and the relay limits what may pass: no data goes that way
	TypeFile       = "file"    // of an EventEntry
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
	Clients int     `json:"clients"` // peers that bytes go to
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

	// A transfer's peers.
	Swarm []SwarmPeer `json:"swarm"`

	// A hash table.
	Mode     string    `json:"mode"`
	Key      string    `json:"key"`
	Hops     int       `json:"hops"`
	Distance string    `json:"distance"` // to the key, in the mode's own measure
	Self     bool      `json:"self"`     // the peer is this one
	Value    string    `json:"value"`    // if it is UTF-8
	Base64   []byte    `json:"base64"`   // the value, if it is not
	Sequence uint64    `json:"sequence"` // of two values by one writer the higher is the newer
	Expires  time.Time `json:"expires"`

	// Words.
	State   string `json:"state"`   // CheckOK, …; TransferActive, …
	Kind    string `json:"kind"`    // of an error: a fault.Kind
	Message string `json:"message"` // one line, for people
	Hint    string `json:"hint"`    // one line: what to do about it
}

// A SwarmPeer is what one peer and this one do for each other for the root of an EventTransfer. Who chokes whom and who
// is interested in whom is named as BitTorrent's specification does.
type SwarmPeer struct {
	Peer    string  `json:"peer"`    // peer id
	From    string  `json:"from"`    // how it was found: link, lan, kademlia …; "incoming": it came to us
	Have    float64 `json:"have"`    // share of the root that it has, 0 to 1; -1: it did not say
	LAN     bool    `json:"lan"`     // on-link, not over a relay
	Relayed bool    `json:"relayed"` // over a relay; else direct
	Limited bool    `json:"limited"` // the relay limits what may pass: no data goes that way

	Source       bool    `json:"source"`        // it is connected to be asked
	Rate         float64 `json:"rate"`          // bytes per second, received
	Received     int64   `json:"received"`      // bytes of this root, while connected
	AmInterested bool    `json:"am_interested"` // it has something that is wanted here
	PeerChoking  bool    `json:"peer_choking"`  // it does not serve us now

	Client         bool    `json:"client"`          // it has the root open here
	UpRate         float64 `json:"up_rate"`         // bytes per second, sent
	Sent           int64   `json:"sent"`            // bytes of this root, while connected
	PeerInterested bool    `json:"peer_interested"` // it wants something that is here
	AmChoking      bool    `json:"am_choking"`      // we do not serve it now
}
