package link

import (
	"net/url"
	"slices"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/names"
	"github.com/seed4134be55/peer/fault"
)

const (
	peerScheme = "peer://"
	ipfsScheme = "ipfs://"
	pathPrefix = "/ipfs/"
)

// again is the next step when a link is damaged.
const again = "copy the whole link again, in quotes"

// maxCIDText is longer than the text of any CID that contentaddr.CheckCID accepts.
const maxCIDText = 512

// Parse reads any form of link; blanks round it are ignored. Every error is a fault.BadInput: one
// line that names the bad value and the next step and is safe for a terminal.
func Parse(s string) (Link, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return Link{}, bad("the link is empty: %s", again)
	case len(s) > MaxLen:
		return Link{}, bad("the link has %d bytes, at most %d are read: %s", len(s), MaxLen, again)
	}
	scheme, rest, isURL := cutScheme(s)
	switch {
	case !isURL:
		return parsePath(strings.TrimPrefix(s, pathPrefix))
	case scheme == "peer":
		return parsePeer(rest)
	case scheme == "ipfs":
		return parseIPFS(rest)
	case scheme == "http", scheme == "https":
		return parseGateway(rest)
	case scheme == "ipns":
		return Link{}, bad("%s: IPNS names are not followed: resolve it to a CID first", names.Quote(s))
	}
	return Link{}, bad("%s: a link does not begin with %s://: use peer://, ipfs://, /ipfs/… or a CID", names.Quote(s), names.Printable(scheme))
}

func bad(format string, args ...any) error { return fault.New(fault.BadInput, format, args...) }

// cutScheme splits off a scheme, which is case-insensitive and short.
func cutScheme(s string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(s, "://")
	if !ok || len(scheme) > 16 || strings.ContainsAny(scheme, "/?#% ") {
		return "", s, false
	}
	return strings.ToLower(scheme), rest, true
}

// parsePath reads <cid>/<path> as typed: nothing is percent-decoded, as "100%" is a fine name.
func parsePath(s string) (Link, error) {
	id, path, _ := strings.Cut(s, "/")
	return assemble(id, "", path, false)
}

// parseIPFS reads what follows ipfs://.
func parseIPFS(s string) (Link, error) {
	s, _ = cutQuery(s)
	id, path, _ := strings.Cut(s, "/")
	return assemble(id, "", path, true)
}

// parsePeer reads what follows peer://. Parameters other than a and u are for later versions.
func parsePeer(s string) (Link, error) {
	s, query := cutQuery(s)
	id, path, _ := strings.Cut(s, "/")
	name, path, _ := strings.Cut(path, "/")
	l, err := assemble(id, name, path, true)
	if err != nil {
		return Link{}, err
	}
	for value := range values(query, "u") {
		l.Unlisted = l.Unlisted || value == "1"
	}
	for value, err := range values(query, "a") {
		if err != nil {
			return Link{}, err
		}
		value, typed := cutTyped(value)
		if typed != "" {
			if l.Path, err = cleanPath(l.Path+"/"+typed, false); err != nil {
				return Link{}, err
			}
		}
		if len(l.Addrs) == MaxAddrs {
			return Link{}, bad("the link has more than %d addresses: %s", MaxAddrs, again)
		}
		addr, err := parseAddr(value)
		if err != nil {
			return Link{}, err
		}
		l.Addrs = append(l.Addrs, addr)
	}
	return l, nil
}

// cutTyped splits off a path that somebody typed behind a printed link, and so behind its last address: what
// follows /p2p/<peer id>, unless the address goes on to another peer.
func cutTyped(value string) (addr, path string) {
	segments := strings.Split(value, "/")
	for i := len(segments) - 2; i >= 0; i-- {
		if segments[i] != "p2p" {
			continue
		}
		if _, err := peer.Decode(segments[i+1]); err == nil && !slices.Contains(segments[i+2:], "p2p-circuit") {
			return strings.Join(segments[:i+2], "/"), strings.Join(segments[i+2:], "/")
		}
	}
	return value, ""
}

// parseGateway reads what follows http:// or https://: the path form, or the subdomain form, in
// which the CID is base32 or base36 as host names have no case. A file name in the query is kept.
func parseGateway(s string) (Link, error) {
	s, query := cutQuery(s)
	host, path, _ := strings.Cut(s, "/")
	l, err := gatewayPath(host, path)
	if err != nil {
		return Link{}, err
	}
	for name, err := range values(query, "filename") {
		if err == nil && (names.Rules{}).Check(name) == nil {
			l.Name = name
		}
	}
	return l, nil
}

func gatewayPath(host, path string) (Link, error) {
	if label, _, ok := strings.Cut(strings.ToLower(host), ".ipfs."); ok {
		return assemble(label, "", path, true)
	}
	if rest, ok := strings.CutPrefix(path, "ipfs/"); ok {
		id, path, _ := strings.Cut(rest, "/")
		return assemble(id, "", path, true)
	}
	return Link{}, bad("%s is no gateway link: it has neither /ipfs/<cid> nor <cid>.ipfs.<host>", names.Quote(host+"/"+path))
}

// assemble checks the parts that all forms have. escaped says that name and path are percent-encoded.
func assemble(id, name, path string, escaped bool) (Link, error) {
	c, err := parseCID(id)
	if err != nil {
		return Link{}, err
	}
	l := Link{Cid: c}
	if escaped {
		if name, err = unescape(name); err != nil {
			return Link{}, err
		}
	}
	if name != "" {
		if err := (names.Rules{}).Check(name); err != nil {
			return Link{}, bad("%w: %s", err, again)
		}
		l.Name = name
	}
	l.Path, err = cleanPath(path, escaped)
	return l, err
}

// cleanPath checks each segment of path, decoded on its own so that a %2F stays a refused slash in a
// name, and drops empty ones.
func cleanPath(path string, escaped bool) (string, error) {
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "" {
			continue
		}
		if escaped {
			var err error
			if segment, err = unescape(segment); err != nil {
				return "", err
			}
		}
		if err := (names.Rules{}).Check(segment); err != nil {
			return "", bad("the path in the link: %w: check the path", err)
		}
		kept = append(kept, segment)
	}
	return strings.Join(kept, "/"), nil
}

func parseCID(s string) (cid.Cid, error) {
	if s == "" {
		return cid.Undef, bad("the link has no CID: %s", again)
	}
	if len(s) > maxCIDText {
		return cid.Undef, bad("%s is too long for a CID: %s", names.Quote(s), again)
	}
	c, err := cid.Decode(s)
	if err != nil {
		return cid.Undef, bad("%s is no CID: %s", names.Quote(s), again)
	}
	if err := contentaddr.CheckCID(c); err != nil {
		return cid.Undef, bad("%w: ask for a link to content that peer can verify", err)
	}
	return c, nil
}

func parseAddr(s string) (multiaddr.Multiaddr, error) {
	const step = "remove this a= or " + again
	addr, err := multiaddr.NewMultiaddr(s)
	if err != nil {
		return nil, bad("%s in the link is no address: %s", names.Quote(s), step)
	}
	if len(addr) == 0 || addr[len(addr)-1].Protocol().Code != multiaddr.P_P2P {
		return nil, bad("the address %s in the link does not end in /p2p/<peer id>: %s", names.Quote(s), step)
	}
	return addr, nil
}

// cutQuery splits s into what stands before and in its query, and drops its fragment.
func cutQuery(s string) (before, query string) {
	s, _, _ = strings.Cut(s, "#")
	before, query, _ = strings.Cut(s, "?")
	return before, query
}

// values yields the values of key in query. A plus is a plus: it stands in addresses.
func values(query, key string) func(yield func(string, error) bool) {
	return func(yield func(string, error) bool) {
		for pair := range strings.SplitSeq(query, "&") {
			value, ok := strings.CutPrefix(pair, key+"=")
			if !ok {
				continue
			}
			if !yield(unescape(value)) {
				return
			}
		}
	}
}

func unescape(s string) (string, error) {
	out, err := url.PathUnescape(s)
	if err != nil {
		return "", bad("%s is not percent-encoded: write %%25 for %%, or %s", names.Quote(s), again)
	}
	return out, nil
}
