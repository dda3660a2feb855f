package overlay

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

func TestAddrs(t *testing.T) {
	var some []ma.Multiaddr
	for i := range 2 * MaxRecordAddrs {
		some = append(some, ma.StringCast(fmt.Sprintf("/ip4/10.0.0.%d/tcp/4001", i)))
	}
	long := ma.StringCast("/dns/" + strings.Repeat("a", MaxAddr) + "/tcp/1")
	for _, c := range []struct{ in, want []ma.Multiaddr }{
		{nil, nil},
		{some[:3], some[:3]},
		{some, some[:MaxRecordAddrs]},
		{[]ma.Multiaddr{long, some[0]}, some[:1]},
	} {
		payload := AppendAddrs(nil, c.in)
		got, err := Addrs(payload)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) && len(got)+len(c.want) > 0 {
			t.Errorf("%v became %v, %v", c.in, got, err)
		}
		if len(payload) > MaxPayload {
			t.Errorf("%d bytes", len(payload))
		}
	}
}

func FuzzAddrs(f *testing.F) {
	f.Add(AppendAddrs(nil, []ma.Multiaddr{ma.StringCast("/ip4/10.0.0.1/tcp/1")}))
	f.Add([]byte{9})
	f.Add([]byte{1, 0x42, 4})
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := Addrs(in)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%v", err)
			}
			return
		}
		if again := AppendAddrs(nil, got); len(again) > len(in) || len(again) == len(in) && !bytes.Equal(again, in) {
			t.Errorf("%x became %x", in, again)
		}
	})
}
