package unixfs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/fault"
)

// blocks is a store for tests: it emits into itself and verifies what it gives.
type blocks map[cid.Cid][]byte

func (b blocks) emit(c cid.Cid, block []byte) error {
	b[c] = block
	return nil
}

func (b blocks) get(_ context.Context, c cid.Cid) ([]byte, error) {
	if inline, ok := contentaddr.Identity(c); ok {
		return inline, nil
	}
	block, ok := b[c]
	if !ok {
		return nil, fault.New(fault.NotFound, "no block %s", c)
	}
	return block, contentaddr.Verify(c, block)
}

func (b blocks) node(t testing.TB, c cid.Cid) *Node {
	t.Helper()
	block, err := b.get(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	n, err := Parse(c, block)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// read returns the bytes of the file c.
func (b blocks) read(t testing.TB, c cid.Cid) []byte {
	n := b.node(t, c)
	content := bytes.Clone(n.Data)
	for _, l := range n.Links {
		content = append(content, b.read(t, l.Cid)...)
	}
	return content
}

func entriesOf(count int) []Link {
	var links []Link
	for i := range count {
		links = append(links, Link{fmt.Sprintf("entry %d", i), mustCID(cid.Raw, fmt.Sprint(i)), uint64(i)})
	}
	return links
}

// TestFoldersReadAsTheyWereBuilt is the property of Folder, Entries and Lookup together, for both
// profiles, and plain, flat and deep folders.
func TestFoldersReadAsTheyWereBuilt(t *testing.T) {
	v0, err := ParseProfile(UnixFSv0)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []Profile{DefaultProfile(), v0} {
		for _, count := range []int{0, 1, 1000, 7000, 40000} {
			t.Run(fmt.Sprint(p.Name, "/", count), func(t *testing.T) {
				built := blocks{}
				want := make(map[string]Link)
				for _, l := range entriesOf(count) {
					want[l.Name] = l
				}
				root, err := p.Folder(entriesOf(count), Attr{}, built.emit)
				if err != nil {
					t.Fatal(err)
				}
				n := built.node(t, root.Cid)
				if sharded := n.Kind == HAMTShard; sharded != (count >= 7000) {
					t.Errorf("%d entries make a %s", count, n.Kind)
				}
				for i := 0; i < count; i += 1 + count/100 {
					name := fmt.Sprintf("entry %d", i)
					if l, err := Lookup(t.Context(), n, name, built.get); err != nil || l != want[name] {
						t.Fatalf("Lookup(%q) = %v, %v", name, l, err)
					}
				}
				if l, err := Lookup(t.Context(), n, "none", built.get); !errors.Is(err, ErrNoEntry) {
					t.Errorf("Lookup of what is not there = %v, %v", l, err)
				}
				err = Entries(t.Context(), n, built.get, func(name string, l Link) error {
					if l != want[name] {
						t.Fatalf("entry %q = %v", name, l)
					}
					delete(want, name)
					return nil
				})
				if err != nil || len(want) > 0 {
					t.Errorf("%v; %d entries are missing", err, len(want))
				}
			})
		}
	}
}

// TestFolderKeepsAttributesAtTheRoot: and of a trie only there.
func TestFolderKeepsAttributesAtTheRoot(t *testing.T) {
	built := blocks{}
	root, err := DefaultProfile().Folder(entriesOf(7000), Attr{Mode: 0o700}, built.emit)
	if err != nil {
		t.Fatal(err)
	}
	for c := range built {
		if n := built.node(t, c); n.HasMode != (c == root.Cid) {
			t.Errorf("shard %s: mode %o", c, n.Mode)
		}
	}
}

// TestFolderAtTheLimitIsPlain: a folder is sharded when it is larger than the limit, by the profile's
// own measure, which for block bytes is the length of the block.
func TestFolderAtTheLimitIsPlain(t *testing.T) {
	plain := Node{Kind: Directory, Links: entriesOf(10), Mode: 0o755, HasMode: true}
	names := 0
	for _, l := range plain.Links {
		names += len(l.Name) + len(l.Cid.Bytes())
	}
	for _, p := range []Profile{
		{Version: 1, BlockBytes: true, ShardOver: len(plain.Encode())},
		{Version: 0, ShardOver: names},
	} {
		for over, want := range []Kind{Directory, HAMTShard} {
			p.ShardOver -= over
			built := blocks{}
			l, err := p.Folder(entriesOf(10), Attr{Mode: 0o755}, built.emit)
			if err != nil {
				t.Fatal(err)
			}
			if n := built.node(t, l.Cid); n.Kind != want {
				t.Errorf("%d bytes over the limit: a %s", over, n.Kind)
			}
		}
	}
}

func TestFolderRefusesTwoOfOneName(t *testing.T) {
	_, err := DefaultProfile().Folder(append(entriesOf(2), entriesOf(1)...), Attr{}, blocks{}.emit)
	if err == nil || !strings.Contains(err.Error(), `"entry 0"`) {
		t.Error(err)
	}
}

// shardOf makes a shard of 256 with links in the slots of their names.
func shardOf(links ...Link) *Node {
	var slots []int
	for _, l := range links {
		var at int
		fmt.Sscanf(l.Name[:2], "%X", &at)
		slots = append(slots, at)
	}
	return &Node{Kind: HAMTShard, HashType: HashMurmur3, Fanout: 256, Links: links, Data: shardBits(slots...)}
}

// put keeps n and returns a link to it.
func (b blocks) put(t testing.TB, name string, n *Node) Link {
	t.Helper()
	l, err := DefaultProfile().emitNode(n, b.emit)
	if err != nil {
		t.Fatal(err)
	}
	l.Name = name
	return l
}

func TestHostileFolders(t *testing.T) {
	leaf := mustCID(cid.Raw, "x")
	right := func(depth int, name string) Link { // an entry in its place
		return Link{fmt.Sprintf("%02X%s", slot(hashOf(name), depth, 256), name), leaf, 1}
	}
	wrong := func(name string) Link { // the same, one slot further
		return Link{fmt.Sprintf("%02X%s", (slot(hashOf(name), 0, 256)+1)%256, name), leaf, 1}
	}
	prefix := func(name string) string { return right(0, name).Name[:2] }
	store := blocks{}
	narrow := &Node{Kind: HAMTShard, HashType: HashMurmur3, Fanout: 16}
	deep := shardOf(right(0, "x"))
	for range 100 {
		deep = shardOf(store.put(t, "00", deep))
	}
	bomb := shardOf(right(7, "x")) // 8 levels, each 256 times the one below
	for depth := 6; depth >= 0; depth-- {
		var links []Link
		below := store.put(t, "", bomb)
		for i := range 256 {
			links = append(links, Link{fmt.Sprintf("%02X", i), below.Cid, 1})
		}
		bomb = shardOf(links...)
	}
	for _, test := range []struct {
		name string
		node *Node
		says string
	}{
		{"entry in another slot", shardOf(wrong("a")), "belongs elsewhere"},
		{"entry of another path", shardOf(store.put(t, "00", shardOf(right(1, "a")))), "belongs elsewhere"},
		{"empty shard", shardOf(store.put(t, "00", shardOf())), "with 0 links"},
		{"shard of another width", shardOf(store.put(t, "00", narrow)), "fanout 16"},
		{"folder below a shard", shardOf(store.put(t, "00", &Node{Kind: Directory})), "is a directory"},
		{"raw block below a shard", shardOf(Link{"00", leaf, 1}), "is a raw"},
		{"a hundred levels", deep, "deeper than"},
		{"2^64 entries", bomb, "belongs elsewhere"},
		{"block nobody has", shardOf(Link{"00", pb, 1}), "no block"},
		{"two of one name", &Node{Kind: Directory, Links: []Link{{"a", leaf, 1}, {"a", leaf, 1}}}, "two entries"},
		{"two of one name, apart", &Node{Kind: Directory, Links: []Link{{"a", leaf, 1}, {"b", leaf, 1}, {"a", leaf, 1}}}, "two entries"},
		{"no name", &Node{Kind: Directory, Links: []Link{{"", leaf, 1}}}, "without a name"},
		{"file", &Node{Kind: File}, "not a folder"},
	} {
		t.Run(test.name, func(t *testing.T) {
			store[leaf] = []byte("x")
			err := Entries(t.Context(), test.node, store.get, func(string, Link) error { return nil })
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("Entries = %v, want %q", err, test.says)
			}
		})
	}
	t.Run("right", func(t *testing.T) {
		ok := shardOf(store.put(t, prefix("a"), shardOf(right(1, "a"))))
		if err := Entries(t.Context(), ok, store.get, func(string, Link) error { return nil }); err != nil {
			t.Error("what the table's helpers make right is refused:", err)
		}
	})
}

// TestEntriesEndWithTheVisitor: visit's error and a cancelled context come back as they are.
func TestEntriesEndWithTheVisitor(t *testing.T) {
	built, stop := blocks{}, errors.New("enough")
	root, err := DefaultProfile().Folder(entriesOf(7000), Attr{}, built.emit)
	if err != nil {
		t.Fatal(err)
	}
	n, seen := built.node(t, root.Cid), 0
	err = Entries(t.Context(), n, built.get, func(string, Link) error {
		if seen++; seen == 3 {
			return stop
		}
		return nil
	})
	if err != stop || seen != 3 {
		t.Errorf("after %d entries: %v", seen, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = Entries(ctx, n, built.get, func(string, Link) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestCARsOfKubo reads what testdata/README.md says of each.
func TestCARsOfKubo(t *testing.T) {
	open := func(name string) (*Node, cid.Cid, blocks) {
		root, b := carBlocks(t, name)
		return blocks(b).node(t, root), root, b
	}
	for name, want := range map[string]string{
		"trickle-dagpb-leaves.car": "e90c0326131dfd981c7ea66e2613e80935cd91d0c3573e2132e0de6bf4fb92b7",
		"rabin.car":                "ed35ab9c2a754418383fe75ed95ddba742c85b1411c06af3d350013ce5854181",
	} {
		n, root, store := open(name)
		content := store.read(t, root)
		if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != want || uint64(len(content)) != n.FileSize {
			t.Errorf("%s: %d bytes of %d, SHA-256 %x", name, len(content), n.FileSize, sum)
		}
	}
	n, _, store := open("names.car")
	for _, name := range []string{"Ünïcødé.txt", "space in name", "emoji-🐟.bin", "日本語", "quote'\"name", "a+b&c=d.txt", "%41"} {
		l, err := Lookup(t.Context(), n, name, store.get)
		if err != nil || len(store.read(t, l.Cid)) != 64 {
			t.Errorf("names.car: %q: %v", name, err)
		}
	}
	n, _, store = open("inline-and-symlinks.car")
	for name, want := range map[string]string{"tiny": "tiny", "link": "f01.txt", "escape": "../../etc/passwd"} {
		l, err := Lookup(t.Context(), n, name, store.get)
		if err != nil || string(store.read(t, l.Cid)) != want {
			t.Errorf("inline-and-symlinks.car: %q: %v", name, err)
		}
	}
}

// FuzzEntries walks blocks that answer for every CID, so that cycles too are possible: stronger than
// any DAG that verifies. A walk must end, and visit only distinct names.
func FuzzEntries(f *testing.F) {
	built := blocks{}
	root, err := DefaultProfile().Folder(entriesOf(7000)[:300], Attr{}, built.emit)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(built[root.Cid], []byte{})
	f.Add(shardOf(Link{"00", pb, 1}, Link{"01", pb, 1}).Encode(), shardOf(Link{"00", pb, 1}).Encode())
	f.Add((&Node{Kind: Directory, Links: entriesOf(3)}).Encode(), []byte{})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		n, err := Parse(pb, first)
		if err != nil {
			return
		}
		gets := 0
		get := func(_ context.Context, c cid.Cid) ([]byte, error) {
			gets++
			if c.Bytes()[c.ByteLen()-1]&1 == 0 {
				return first, nil
			}
			return second, nil
		}
		seen := make(map[string]bool)
		_ = Entries(t.Context(), n, get, func(name string, l Link) error {
			if name == "" || seen[name] {
				t.Fatalf("entry %q comes twice or has no name", name)
			}
			seen[name] = true
			return nil
		})
		if gets > 22*(len(seen)+1) {
			t.Fatalf("%d shards for %d entries", gets, len(seen))
		}
		for name := range seen {
			if _, err := Lookup(t.Context(), n, name, get); err != nil {
				t.Fatalf("Lookup(%q) = %v", name, err)
			}
		}
	})
}
