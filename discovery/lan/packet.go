package lan

import (
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"golang.org/x/net/dns/dnsmessage"
)

// Packets have the form of libp2p's discovery by mDNS (specs, discovery/mdns.md): a PTR question
// for the service, and as its answer a PTR to a random instance name and a TXT record under that
// name with a "dnsaddr=<multiaddr>" string for each address. Only the service's name is ours.

const (
	addrPrefix  = "dnsaddr="
	maxPacket   = 1400              // bytes sent in one packet: never fragmented
	maxTxts     = 8                 // TXT records looked at in one packet
	maxAddrs    = 16                // addresses of one peer
	maxTTL      = 10 * time.Minute  // whatever a packet claims
	presenceTTL = 150 * time.Second // two and a half beats: one may be lost
	cacheFlush  = dnsmessage.Class(1 << 15)
)

// Presence is one peer heard of on the network. Everything in it is its sender's claim.
type Presence struct {
	peer.AddrInfo
	TTL time.Duration // how long it holds; 0 says goodbye
}

// serviceName returns the name asked for to find the peers of network.
func serviceName(network string) string { return "_peer-" + network + "._udp.local." }

// encodeQuery returns the question for service.
func encodeQuery(service string) ([]byte, error) {
	name, err := dnsmessage.NewName(service)
	if err != nil {
		return nil, err
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{})
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	q := dnsmessage.Question{Name: name, Type: dnsmessage.TypePTR, Class: dnsmessage.ClassINET}
	if err := b.Question(q); err != nil {
		return nil, err
	}
	return b.Finish()
}

// encodePresence returns the answer that says that the peer id is there under instance for ttl, with
// as many of addrs as fit.
func encodePresence(service, instance string, id peer.ID, addrs []ma.Multiaddr, ttl time.Duration) ([]byte, error) {
	ptr, err := dnsmessage.NewName(service)
	if err != nil {
		return nil, err
	}
	txt, err := dnsmessage.NewName(instance + "." + service)
	if err != nil {
		return nil, err
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true, Authoritative: true})
	b.EnableCompression()
	if err := b.StartAnswers(); err != nil {
		return nil, err
	}
	seconds := uint32(ttl / time.Second)
	h := dnsmessage.ResourceHeader{Name: ptr, Class: dnsmessage.ClassINET, TTL: seconds}
	if err := b.PTRResource(h, dnsmessage.PTRResource{PTR: txt}); err != nil {
		return nil, err
	}
	if err := b.StartAdditionals(); err != nil {
		return nil, err
	}
	h = dnsmessage.ResourceHeader{Name: txt, Class: dnsmessage.ClassINET | cacheFlush, TTL: seconds}
	if err := b.TXTResource(h, dnsmessage.TXTResource{TXT: texts(id, addrs, maxPacket-2*len(txt.String())-64)}); err != nil {
		return nil, err
	}
	return b.Finish()
}

// texts returns the strings for as many of addrs as fit in room bytes.
func texts(id peer.ID, addrs []ma.Multiaddr, room int) []string {
	var all []string
	for _, a := range addrs {
		s := fmt.Sprintf("%s%s/p2p/%s", addrPrefix, a, id)
		if len(s) > 255 || len(s)+1 > room || len(all) == maxAddrs {
			continue
		}
		room -= len(s) + 1
		all = append(all, s)
	}
	return all
}

// parsePacket reads what packet says about service: whether it asks for it, and who it says is
// there. Packets about other services, and there are many on port 5353, are ok and say nothing.
func parsePacket(packet []byte, service string) (asked bool, heard []Presence, err error) {
	var p dnsmessage.Parser
	header, err := p.Start(packet)
	if err != nil {
		return false, nil, err
	}
	if !header.Response {
		asked, err = asksFor(&p, service)
		return asked, nil, err
	}
	if err := p.SkipAllQuestions(); err != nil {
		return false, nil, err
	}
	heard, err = presences(p.AnswerHeader, p.SkipAnswer, &p, service, nil)
	if err != nil {
		return false, nil, err
	}
	if err := p.SkipAllAuthorities(); err != nil {
		return false, nil, err
	}
	heard, err = presences(p.AdditionalHeader, p.SkipAdditional, &p, service, heard)
	return false, heard, err
}

func asksFor(p *dnsmessage.Parser, service string) (bool, error) {
	for {
		q, err := p.Question()
		if err == dnsmessage.ErrSectionDone {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if strings.EqualFold(q.Name.String(), service) && (q.Type == dnsmessage.TypePTR || q.Type == dnsmessage.TypeALL) {
			return true, nil
		}
	}
}

// presences appends what the TXT records of one section say about service.
func presences(header func() (dnsmessage.ResourceHeader, error), skip func() error, p *dnsmessage.Parser, service string, heard []Presence) ([]Presence, error) {
	for {
		h, err := header()
		if err == dnsmessage.ErrSectionDone {
			return heard, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Type != dnsmessage.TypeTXT || !isInstance(h.Name.String(), service) || len(heard) == maxTxts {
			if err := skip(); err != nil {
				return nil, err
			}
			continue
		}
		r, err := p.TXTResource()
		if err != nil {
			return nil, err
		}
		if info, ok := parseTexts(r.TXT); ok {
			heard = append(heard, Presence{info, min(time.Duration(h.TTL)*time.Second, maxTTL)})
		}
	}
}

func isInstance(name, service string) bool {
	cut := len(name) - len(service)
	return cut > 1 && name[cut-1] == '.' && strings.EqualFold(name[cut:], service)
}

// parseTexts reads the addresses of one peer. Strings that are something else are passed over; more
// than one peer in a record is refused, as nobody honest writes that.
func parseTexts(texts []string) (peer.AddrInfo, bool) {
	var info peer.AddrInfo
	for _, s := range texts {
		addr, ok := strings.CutPrefix(s, addrPrefix)
		if !ok || len(info.Addrs) == maxAddrs {
			continue
		}
		a, err := ma.NewMultiaddr(addr)
		if err != nil {
			continue
		}
		one, err := peer.AddrInfoFromP2pAddr(a)
		if err != nil {
			continue
		}
		if info.ID != "" && info.ID != one.ID {
			return peer.AddrInfo{}, false
		}
		info.ID = one.ID
		info.Addrs = append(info.Addrs, one.Addrs...)
	}
	return info, info.ID != ""
}
