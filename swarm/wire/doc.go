// Package wire is the bytes of /peer/swarm/1.0.0: what peers say to one another on a control stream
// and how blocks are framed on a data stream. docs/protocol.md is its specification.
//
// It is a codec over io.Reader and io.Writer. It opens no streams and decides nothing: whether a message
// makes sense now, and what to do with a peer that breaks a rule, is package swarm's business. Whatever
// it refuses is ErrMalformed.
//
// Start reading at message.go (control) and frame.go (data).
package wire

import "errors"

// The protocols that a peer which wants opens to a peer which has, one stream each.
const (
	Control = "/peer/swarm/1.0.0"
	Data    = "/peer/swarm/data/1.0.0"
)

// Version is the version that Hello carries.
const Version = 1

// Limits. A message beyond one is malformed.
const (
	MaxMessage    = 64 << 10 // bytes of a control message, its type included
	MaxProof      = 1 << 10  // bytes
	MaxAgent      = 128      // bytes
	MaxText       = 256      // bytes of the text of Refused
	MaxExtensions = 32
	MaxName       = 64        // bytes of an extension's name
	MaxValue      = 1 << 10   // bytes of an extension's value
	MaxCID        = 160       // bytes of a binary CID
	MaxLeaves     = 1<<31 - 1 // of one root; fits in an int everywhere
	MaxBits       = 32 << 10  // bytes of bitfield in one HaveBits
	MaxRanges     = 512       // in Request, Cancel and Reject
	MaxRequest    = 1 << 16   // leaves that those name
	MaxHaveRanges = 1024      // in HaveLeaves and Withdrawn
	MaxPage       = 4 << 20   // bytes of a manifest page
	MaxBlock      = 2 << 20   // bytes of a leaf or block

	MaxPeers        = 50  // added and as many dropped in one Peers
	MaxPeerID       = 64  // bytes
	MaxContactAddrs = 8   // of one peer
	MaxAddr         = 128 // bytes of a multiaddr

	maxSkipped = 1024 // unknown messages in a row
)

// ErrMalformed marks every error that the sender of the bytes is to blame for. Errors of the stream
// below are passed on as they are.
var ErrMalformed = errors.New("malformed")

// SessionID ties a data stream to its control stream. It is random, chosen by the peer that wants; the
// holder accepts it only from the same peer.
type SessionID [16]byte
