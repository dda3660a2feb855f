package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"unicode"
	"unicode/utf8"
)

// always holds, for each event, the fields that are written even when they are zero: scripts rely on
// them. Other fields are left out when zero.
var always = map[string][]string{
	EventShared:   {"cid", "link", "name", "bytes", "files", "seconds"},
	EventCid:      {"path", "cid", "bytes"},
	EventProgress: {"bytes", "total", "sources", "rate"},
	EventDone:     {"cid", "path", "bytes", "fetched", "seconds"},
	EventEntry:    {"name", "type", "cid", "bytes"},
	EventForgot:   {"cid", "name"},
	EventServing:  {"peer", "addrs"},
	EventStatus:   {"running", "peer", "addrs", "version", "reach", "network", "modes", "home", "peers", "shares", "transfers"},
	EventPeer:     {"peer", "addrs", "sent", "received", "state"},
	EventShare:    {"cid", "name", "bytes", "files", "complete"},
	EventTransfer: {"cid", "name", "bytes", "total", "sources", "clients", "rate", "up_rate", "swarm", "state"},
	EventRound:    {"transfers"},
	EventCheck:    {"name", "state", "message"},
	EventSkipped:  {"path", "message"},
	EventError:    {"kind", "message"},
	EventHop:      {"mode", "key", "hops", "peer", "distance", "latency"},
	EventOwner:    {"mode", "key", "hops", "peer", "distance", "self"},
	EventStored:   {"mode", "key", "bytes"},
	EventValue:    {"mode", "key", "peer", "sequence", "expires", "self"},
	EventVersion:  {"version"},
}

// MarshalJSON writes e on one line, fields in the order of the struct. The result is safe to show on a
// terminal: whatever does not print is written as \u escapes.
func (e Event) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	v := reflect.ValueOf(e)
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("json")
		field := v.Field(i)
		if i > 0 && field.IsZero() && !slices.Contains(always[e.Event], name) {
			continue
		}
		if field.Kind() == reflect.Slice && field.IsNil() {
			field = reflect.MakeSlice(field.Type(), 0, 0) // [] is kinder to scripts than null
		}
		value, err := plainJSON(field.Interface())
		if err != nil {
			return nil, fmt.Errorf("event %s: %s: %w", e.Event, name, err)
		}
		b.WriteByte("{,"[min(i, 1)])
		fmt.Fprintf(&b, "%q:%s", name, value)
	}
	b.WriteByte('}')
	return printableJSON(b.Bytes()), nil
}

// plainJSON is json.Marshal without its escapes for HTML, which would make links hard to read.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// printableJSON escapes what encoding/json leaves as it is although a terminal may act on it: DEL, the
// C1 controls, bidirectional overrides and the like. Such runes occur only inside JSON strings.
func printableJSON(line []byte) []byte {
	if !bytes.ContainsFunc(line, hidden) {
		return line
	}
	out := make([]byte, 0, len(line)+16)
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		switch {
		case !hidden(r):
			out = append(out, line[:n]...)
		case r > 0xffff:
			hi, lo := surrogates(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		line = line[n:]
	}
	return out
}

func hidden(r rune) bool { return r >= 0x7f && !unicode.IsGraphic(r) }

func surrogates(r rune) (hi, lo rune) {
	r -= 0x10000
	return 0xd800 + r>>10, 0xdc00 + r&0x3ff
}
