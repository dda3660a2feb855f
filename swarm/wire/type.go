package wire

import "fmt"

// names holds the types that this version knows.
var names = [...]string{
	TypeHello: "hello", TypeOpen: "open", TypeOpened: "opened", TypeRefused: "refused", TypeClose: "close",
	TypeGetManifest: "get-manifest", TypeHaveBits: "have-bits", TypeHaveLeaves: "have-leaves",
	TypeWithdrawn: "withdrawn", TypeRequest: "request", TypeRequestBlock: "request-block",
	TypeCancel: "cancel", TypeCancelBlock: "cancel-block", TypeReject: "reject",
	TypeRejectBlock: "reject-block", TypeComplaint: "complaint", TypeChoke: "choke",
	TypeUnchoke: "unchoke", TypeInterested: "interested", TypeNotInterested: "not-interested",
	TypeSuggest: "suggest", TypePeers: "peers", TypeGetPeers: "get-peers",
}

func (t Type) known() bool { return int(t) < len(names) && names[t] != "" }

// String returns the type's name as docs/protocol.md has it.
func (t Type) String() string {
	if t.known() {
		return names[t]
	}
	return fmt.Sprintf("message %d", uint8(t))
}
