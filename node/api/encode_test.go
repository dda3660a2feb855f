package api

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
)

// What scripts rely on is there even when it is zero.
func TestAlwaysThere(t *testing.T) {
	for name, fields := range always {
		line, err := Event{Event: name}.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for _, f := range append([]string{"event"}, fields...) {
			if v, ok := got[f]; !ok || v == nil {
				t.Errorf("%s lacks %s", line, f)
			}
		}
		if len(got) != len(fields)+1 {
			t.Errorf("%s has more than %v", line, fields)
		}
	}
}

func TestLine(t *testing.T) {
	for _, c := range []struct {
		e    Event
		want string
	}{
		{Event{Event: EventProgress, Total: 10}, `{"event":"progress","bytes":0,"total":10,"sources":0,"rate":0}`},
		{Event{Event: EventDone, Cid: "b", Path: "/x", Bytes: 3, Fetched: 3, Seconds: 0.5},
			`{"event":"done","cid":"b","path":"/x","bytes":3,"fetched":3,"seconds":0.5}`},
		{Event{Event: EventShared, Link: "peer://b?a=1&a=2", Name: "<x>"},
			`{"event":"shared","cid":"","link":"peer://b?a=1&a=2","name":"<x>","bytes":0,"files":0,"seconds":0}`},
		{Event{Event: EventState, Message: "a\x1b[2J\u202eb\u009b1\x7f\U000e0001"},
			`{"event":"state","message":"a\u001b[2J\u202eb\u009b1\u007f\udb40\udc01"}`},
	} {
		if got, err := c.e.MarshalJSON(); err != nil || string(got) != c.want {
			t.Errorf("%s\nwant %s, %v", got, c.want, err)
		}
	}
}

// Every field has a name of its own, and survives.
func TestEventRoundTrip(t *testing.T) {
	var e Event
	v := reflect.ValueOf(&e).Elem()
	names := make(map[string]bool)
	for i := range v.NumField() {
		names[v.Type().Field(i).Tag.Get("json")] = true
		switch f := v.Field(i); f.Interface().(type) {
		case string:
			f.SetString("x")
		case bool:
			f.SetBool(true)
		case int, int64:
			f.SetInt(int64(i))
		case uint64:
			f.SetUint(uint64(i))
		case []byte:
			f.SetBytes([]byte{0xff, 1})
		case float64:
			f.SetFloat(0.5)
		case []string:
			f.Set(reflect.ValueOf([]string{"a", "b"}))
		case []SwarmPeer:
			f.Set(reflect.ValueOf([]SwarmPeer{{Peer: "x", Have: -1, Sent: 3}}))
		case time.Time:
			f.Set(reflect.ValueOf(time.Unix(1, 0).UTC()))
		default:
			t.Fatalf("field of type %s", f.Type())
		}
	}
	if len(names) != v.NumField() || names[""] {
		t.Errorf("names of fields: %v", names)
	}
	line, err := e.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var back Event
	if err := json.Unmarshal(line, &back); err != nil || !reflect.DeepEqual(back, e) {
		t.Errorf("%+v, %v", back, err)
	}
}

// Whatever a name holds, a line is one line of JSON that says it, and no terminal obeys it.
func FuzzEventIsPrintable(f *testing.F) {
	for _, s := range []string{"a", "\x1b]0;x\a", "\u202e\u2066", "\u2028", "\xff\xfe", "\U000e0001", "é€😀"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		line, err := Event{Event: EventEntry, Name: name}.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(string(line), func(r rune) bool { return !unicode.IsGraphic(r) }) {
			t.Errorf("not printable: %q", line)
		}
		var back Event
		if err := json.Unmarshal(line, &back); err != nil || back.Name != strings.ToValidUTF8(name, "\ufffd") && !strings.Contains(back.Name, "\ufffd") {
			t.Errorf("%q came back as %q, %v", name, back.Name, err)
		}
	})
}
