package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"
)

// helloCID is the raw CIDv1 of "hello".
func helloCID(t testing.TB) cid.Cid {
	t.Helper()
	sum, err := multihash.Sum([]byte("hello"), multihash.SHA2_256, -1)
	if err != nil {
		t.Fatal(err)
	}
	return cid.NewCidV1(cid.Raw, sum)
}

// The two kinds of peer ids: a small key itself, and the SHA-256 of a large one.
var (
	inlineID = peer.ID("\x00\x24\x08\x01\x12\x20" + strings.Repeat("k", 32))
	hashedID = peer.ID("\x12\x20" + strings.Repeat("h", 32))
)

// examples has one message of each type, in the order of the types.
func examples(t testing.TB) []Message {
	id := helloCID(t)
	ranges := []Range{{5, 1}, {0, 3}, {MaxLeaves - 1, 1}}
	return []Message{
		Hello{Version: 1, Session: SessionID{1, 15: 16}, MaxOpen: 64, MaxRequest: 4096, MaxWindow: 64 << 20,
			Extensions: []Extension{{"pex", []byte{1, 2}}, {"x", nil}}, Agent: "peer/0.1"},
		Open{Channel: 1, Root: id, Proof: []byte("proof")},
		Opened{Channel: 1, Complete: true, Entries: 3, Leaves: 2, Digest: [32]byte{1, 31: 2}, Have: HaveSome},
		Refused{Channel: 2, Reason: RefusedTooMany, Text: "later"},
		Close{Channel: math.MaxUint32},
		GetManifest{Channel: 1, From: 300, MaxBytes: MaxPage},
		HaveBits{Channel: 1, First: 8, Bits: []byte{0x80, 0}},
		HaveLeaves{1, ranges},
		Withdrawn{1, ranges},
		Request{1, ranges},
		RequestBlock{1, math.MaxUint64, id},
		Cancel{1, ranges},
		CancelBlock{1, 7},
		Reject{1, ranges, RejectedChoked},
		RejectBlock{1, 7, RejectedNotHere},
		Complaint{1, 5},
		Choke{1},
		Unchoke{1},
		Suggest{1, true, ranges},
		Interested{1},
		NotInterested{1},
		Peers{1, []Contact{{inlineID, [][]byte{{4, 127, 0, 0, 1, 6, 0, 80}, {1}}}, {hashedID, [][]byte{{2}}}}, []peer.ID{hashedID, inlineID}},
		GetPeers{1},
	}
}

func TestMessagesThereAndBack(t *testing.T) {
	var stream bytes.Buffer
	messages := examples(t)
	if err := NewWriter(&stream).Write(messages...); err != nil {
		t.Fatal(err)
	}
	types := 0
	for _, name := range names {
		if name != "" {
			types++
		}
	}
	if len(messages) != types {
		t.Errorf("%d examples of %d types", len(messages), types)
	}
	r := NewReader(iotest.OneByteReader(&stream))
	for _, want := range messages {
		got, err := r.Next()
		if err != nil {
			t.Fatalf("%v: %v", want.Type(), err)
		}
		if fmt.Sprintf("%v", got) != fmt.Sprintf("%v", want) || reflect.TypeOf(got) != reflect.TypeOf(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// Every message that is cut short, or followed by a byte too many, is malformed.
func TestNoPrefixIsAMessage(t *testing.T) {
	for _, m := range examples(t) {
		body := m.appendBody(nil)
		for n := range body {
			if _, err := Decode(m.Type(), body[:n]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%v: %d of %d bytes: %v", m.Type(), n, len(body), err)
			}
		}
		if _, err := Decode(m.Type(), append(body, 0)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%v with a byte too many: %v", m.Type(), err)
		}
	}
}

func TestHostileBodies(t *testing.T) {
	gone := "22" + hex.EncodeToString([]byte(hashedID))
	contact := gone + "010104"
	for _, tc := range []struct {
		name string
		t    Type
		body string // hex
		why  string
	}{
		{"varint without end", TypeClose, "ffffffffffffffffffff01", "bad varint"},
		{"varint over 64 bits", TypeCancelBlock, "01ffffffffffffffffff02", "bad varint"},
		{"varint that is not minimal", TypeClose, "8100", "not minimal"},
		{"channel over 32 bits", TypeClose, "8080808010", "over 4294967295"},
		{"no ranges", TypeRequest, "0100", "no ranges"},
		{"many ranges, no bytes", TypeRequest, "018004", "cut short"},
		{"513 ranges", TypeRequest, "018104", "over 512"},
		{"1025 ranges", TypeWithdrawn, "018108", "over 1024"},
		{"an empty range", TypeRequest, "01010500", "empty range"},
		{"a range that ends after the last leaf", TypeRequest, "0101feffffff0702", "over 1"},
		{"a range beyond the last leaf", TypeHaveLeaves, "0101ffffffff0701", "over 2147483646"},
		{"a range that wraps round", TypeHaveLeaves, "010101ffffffff0f", "over 2147483646"},
		{"a request for too many leaves", TypeRequest, "010100818004", "over 65536"},
		{"the same in two ranges", TypeRequest, "01020080800400" + "01", "over 65536"},
		{"too many leaves in two ranges", TypeHaveLeaves, "010200ffffffff070001", "over 2147483647"},
		{"a block without CID", TypeRequestBlock, "010100", "block"},
		{"a CID over 160 bytes", TypeRequestBlock, "0101a101" + strings.Repeat("00", 161), "over 160"},
		{"a CID of nonsense", TypeRequestBlock, "010103ffffff", "block"},
		{"a CID of a short hash", TypeOpen, "0105015511010000", "root"},
		{"a proof over 1 KiB", TypeOpen, "01" + "24" + hex.EncodeToString(helloCID(t).Bytes()) + "8108" + strings.Repeat("00", 1025), "over 1024"},
		{"more leaves than entries", TypeOpened, "01010203" + strings.Repeat("00", 33), "over 2"},
		{"an unknown have", TypeOpened, "01010202" + strings.Repeat("00", 32) + "04", "unknown"},
		{"a boolean of two", TypeOpened, "01020202" + strings.Repeat("00", 33), "not a boolean"},
		{"the digest of half a manifest", TypeOpened, "01000202" + strings.Repeat("01", 32) + "00", "incomplete"},
		{"a text that is not UTF-8", TypeRefused, "010102ff80", "not UTF-8"},
		{"a page over 4 MiB", TypeGetManifest, "010081808002", "over 4194304"},
		{"bits from the middle of a byte", TypeHaveBits, "010401ff", "begin at leaf 4"},
		{"no bits", TypeHaveBits, "010800", "no bits"},
		{"bits after the last leaf", TypeHaveBits, "01f8ffffff07020000", "end at leaf"},
		{"bits over 32 KiB", TypeHaveBits, "0100818002" + strings.Repeat("00", 32769), "over 32768"},
		{"33 extensions", TypeHello, "01" + strings.Repeat("00", 16) + "01010121", "over 32"},
		{"an extension without name", TypeHello, "01" + strings.Repeat("00", 16) + "010101" + "01" + "0000" + "00", "empty"},
		{"an extension twice", TypeHello, "01" + strings.Repeat("00", 16) + "010101" + "02" + "01780001780000", "twice"},
		{"a window over 63 bits", TypeHello, "01" + strings.Repeat("00", 16) + "0101" + "80808080808080808001", "window"},
		{"51 peers", TypePeers, "0133" + strings.Repeat(contact, 51) + "00", "over 50"},
		{"50 peers, no bytes", TypePeers, "0132", "peer id"},
		{"51 peers that are gone", TypePeers, "010033" + strings.Repeat(gone, 51), "over 50"},
		{"a peer without address", TypePeers, "0101" + gone + "0000", "without address"},
		{"a peer of nine addresses", TypePeers, "0101" + gone + "09" + strings.Repeat("0104", 9) + "00", "over 8"},
		{"an empty address", TypePeers, "0101" + gone + "010000", "empty address"},
		{"an address over 128 bytes", TypePeers, "0101" + gone + "018101" + strings.Repeat("04", 129) + "00", "over 128"},
		{"a peer id over 64 bytes", TypePeers, "010001" + "41" + strings.Repeat("00", 65), "over 64"},
		{"a peer id of nonsense", TypePeers, "01000103ffffff", "peer id"},
		{"an empty peer id", TypePeers, "01000100", "peer id"},
		{"a peer id without key", TypePeers, "0100010200" + "00", "hash 0 of 0 bytes"},
		{"a peer id of another hash", TypePeers, "010001" + "22" + "1b20" + strings.Repeat("00", 32), "hash 27"},
		{"a peer id of a long key", TypePeers, "010001" + "2d" + "002b" + strings.Repeat("00", 43), "of 43 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body, err := hex.DecodeString(tc.body)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Decode(tc.t, body)
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tc.why) {
				t.Errorf("error %v, want %q", err, tc.why)
			}
		})
	}
}

func TestReader(t *testing.T) {
	closed := Append(nil, Close{1})
	for _, tc := range []struct {
		name   string
		stream []byte
		want   Message
		err    error
	}{
		{"nothing", nil, nil, io.EOF},
		{"an unknown type is skipped", append([]byte{3, 99, 1, 2}, closed...), Close{1}, nil},
		{"a large unknown message is skipped", append(append([]byte{0x80, 0x80, 4, 99}, make([]byte, 65535)...), closed...), Close{1}, nil},
		{"an unknown type cut short", []byte{3, 99, 1}, nil, io.ErrUnexpectedEOF},
		{"unknown types only", bytes.Repeat([]byte{1, 99}, maxSkipped), nil, ErrMalformed},
		{"length cut short", []byte{0x80}, nil, io.ErrUnexpectedEOF},
		{"type missing", []byte{2}, nil, io.ErrUnexpectedEOF},
		{"body cut short", closed[:2], nil, io.ErrUnexpectedEOF},
		{"an empty message", []byte{0}, nil, ErrMalformed},
		{"over 64 KiB", []byte{0x81, 0x80, 4, 1}, nil, ErrMalformed},
		{"a length that is not minimal", []byte{0x82, 0, 5, 1}, nil, ErrMalformed},
		{"a length over 64 bits", bytes.Repeat([]byte{0xff}, 20), nil, ErrMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := NewReader(bytes.NewReader(tc.stream)).Next()
			if got != tc.want || !errors.Is(err, tc.err) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

// The 64 KiB that a message announces are not allocated before they come.
func TestReaderAllocatesWhatArrives(t *testing.T) {
	r := NewReader(bytes.NewReader([]byte{0x80, 0x80, 4, byte(TypeHaveBits), 1, 2, 3}))
	if _, err := r.Next(); err != io.ErrUnexpectedEOF || cap(r.body) > 2*readAhead {
		t.Errorf("%v, with %d bytes allocated", err, cap(r.body))
	}
}

func TestWriterRefusesWhatReadersDo(t *testing.T) {
	for _, m := range []Message{
		Request{1, nil},
		Request{1, []Range{{0, MaxRequest + 1}}},
		Refused{Text: strings.Repeat("x", MaxText+1)},
		HaveBits{Bits: make([]byte, 100<<10)},
		HaveBits{First: 1, Bits: []byte{1}},
		RequestBlock{},
		Peers{Added: make([]Contact, MaxPeers+1)},
		Peers{Dropped: []peer.ID{"nobody"}},
		Hello{Agent: strings.Repeat("x", 3<<20)},
	} {
		var stream bytes.Buffer
		if err := NewWriter(&stream).Write(Close{1}, m); !errors.Is(err, ErrMalformed) || stream.Len() > 0 {
			t.Errorf("%v: %v after %d bytes", m.Type(), err, stream.Len())
		}
	}
}

func TestAppendLeaf(t *testing.T) {
	var got []Range
	for _, i := range []int{4, 5, 6, 9, 8, 9, 7} {
		got = AppendLeaf(got, i)
	}
	if want := []Range{{4, 3}, {9, 1}, {8, 2}, {7, 1}}; !reflect.DeepEqual(got, want) || Leaves(got) != 7 {
		t.Errorf("ranges %v", got)
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range examples(f) {
		f.Add(byte(m.Type()), m.appendBody(nil))
	}
	f.Add(byte(99), []byte{1})
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		m, err := Decode(Type(kind), body)
		if err != nil || m == nil {
			if m != nil || err == nil && Type(kind).known() {
				t.Fatalf("message %v with error %v", m, err)
			}
			return
		}
		if again := m.appendBody(nil); !bytes.Equal(again, body) {
			t.Fatalf("%x decodes to %v, which is %x", body, m, again)
		}
		if len(body) < MaxMessage {
			if back, err := NewReader(bytes.NewReader(Append(nil, m))).Next(); err != nil || back.Type() != m.Type() {
				t.Fatalf("%v reads back as %v, %v", m, back, err)
			}
		}
	})
}

// The largest Peers is a message.
func TestLargestPeers(t *testing.T) {
	m := Peers{Channel: math.MaxUint32}
	long := peer.ID("\x00\x2a" + strings.Repeat("k", maxInlineKey))
	for range MaxPeers {
		k := Contact{ID: long}
		for range MaxContactAddrs {
			k.Addrs = append(k.Addrs, bytes.Repeat([]byte{1}, MaxAddr))
		}
		m.Added, m.Dropped = append(m.Added, k), append(m.Dropped, long)
	}
	var stream bytes.Buffer
	if err := NewWriter(&stream).Write(m); err != nil {
		t.Fatal(err)
	}
	if got, err := NewReader(&stream).Next(); err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("read %v", err)
	}
}
