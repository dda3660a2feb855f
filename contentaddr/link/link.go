// Package link prints and parses what a user passes round to say which content is meant.
//
// It takes five forms and prints one:
//
//	peer://<cid>/<name>/<path>?a=<multiaddr>&a=…   what share prints; a /<path> typed at its end counts too
//	                                               (u=1 before them: unlisted)
//	<cid>/<path>
//	ipfs://<cid>/<path>
//	/ipfs/<cid>/<path>
//	https://<gateway>/ipfs/<cid>/<path> and https://<cid>.ipfs.<gateway>/<path>
//
// In a peer link the first segment is only a name to show and to save under: the CID alone says what
// the content is. What follows the name is a path inside the root, so peer://<cid>/photos/2024/a.jpg
// is 2024/a.jpg in the folder that its owner calls photos, and peer://<cid>//2024/a.jpg is the same
// without a name. In all other forms the path follows the CID at once. Forms with a scheme are
// percent-encoded; a bare CID and /ipfs/ are taken as typed.
//
// It resolves nothing and dials nobody. Start reading at Link and Parse.
package link

import (
	"slices"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

const (
	// MaxLen is the most bytes of a link.
	MaxLen = 64 << 10
	// MaxAddrs is the most addresses in a link.
	MaxAddrs = 64
)

// Link is what a link says.
type Link struct {
	Cid  cid.Cid
	Name string // to show and to save under; has passed the zero names.Rules; may be ""
	Path string // inside the root: slash separated, not cleaned of anything but empty segments; "" for the root
	// Unlisted says that its owner announces it nowhere: whoever fetches it must not either. Printed as u=1.
	Unlisted bool
	// Addrs are where the content was when the link was printed; each ends in /p2p/<peer id>.
	Addrs []multiaddr.Multiaddr
}

// Peers returns Addrs by peer, in the order of the first address of each.
func (l Link) Peers() []peer.AddrInfo {
	var infos []peer.AddrInfo
	for _, addr := range l.Addrs {
		info, err := peer.AddrInfoFromP2pAddr(addr)
		if err != nil {
			continue // not made by Parse
		}
		at := slices.IndexFunc(infos, func(known peer.AddrInfo) bool { return known.ID == info.ID })
		if at < 0 {
			infos = append(infos, *info)
			continue
		}
		infos[at].Addrs = append(infos[at].Addrs, info.Addrs...)
	}
	return infos
}

// String returns l as a peer link, which Parse reads back.
func (l Link) String() string {
	var b strings.Builder
	b.WriteString(peerScheme + l.Cid.String())
	if l.Name != "" || l.Path != "" {
		b.WriteByte('/')
		escape(&b, l.Name, "")
	}
	if l.Path != "" {
		b.WriteByte('/')
		escape(&b, l.Path, "/")
	}
	separator := byte('?')
	if l.Unlisted {
		b.WriteString("?u=1")
		separator = '&'
	}
	for _, addr := range l.Addrs {
		b.WriteByte(separator)
		b.WriteString("a=")
		escape(&b, addr.String(), "/:")
		separator = '&'
	}
	return b.String()
}

// escape percent-encodes all of s but RFC 3986's unreserved characters and those in keep, so that
// what is printed needs no thought in a shell, a mail or a QR code.
func escape(b *strings.Builder, s, keep string) {
	const hexDigits = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if isUnreserved(c) || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
