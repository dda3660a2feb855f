package swarm

import (
	"testing"
	"time"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/fault"
)

func TestOneSourceGivesEverything(t *testing.T) {
	for name, c := range map[string]struct{ leaves, size int }{
		"one leaf":            {1, 100},
		"large leaves":        {9, 1 << 20},
		"many small leaves":   {1000, 300},
		"leaves of two sizes": {3, 200 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFile(t, 1, c.leaves, c.size)
			seed, leech := join(t, newHeld(f, true)), join(t, newHeld(f, false))
			s, err := leech.download(t, 0, seed)
			if err != nil {
				t.Fatal(err)
			}
			if !leech.Have().Full() {
				t.Error("not everything has come")
			}
			if st := s.Status(); st.Fetched != int64(c.leaves*c.size) || st.Done != st.Total {
				t.Errorf("status %+v", st)
			}
		})
	}
}

func TestSourcesThatHaveHalvesCompleteEachOther(t *testing.T) {
	f := newFile(t, 2, 40, 50<<10)
	a, b := newHeld(f, true), newHeld(f, true)
	for i := range 40 {
		if i%2 == 0 {
			a.have.Clear(i)
		} else {
			b.have.Clear(i)
		}
	}
	leech := join(t, newHeld(f, false))
	if _, err := leech.download(t, 0, join(t, a), join(t, b)); err != nil {
		t.Fatal(err)
	}
}

// A downloader serves what it has verified while it downloads, and tells of what it gains.
func TestDownloaderServes(t *testing.T) {
	f := newFile(t, 3, 30, 20<<10)
	seed, middle, last := join(t, newHeld(f, true)), join(t, newHeld(f, false)), join(t, newHeld(f, false))
	done := make(chan error, 1)
	go func() {
		_, err := last.download(t, 0, middle) // knows only the middle one, which has nothing yet
		done <- err
	}()
	if _, err := middle.download(t, 0, seed); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestLiarIsCutOffAndHarmsNobody(t *testing.T) {
	f := newFile(t, 4, 60, 10<<10)
	lied := make(chan struct{}, 60)
	liar := newHeld(f, true)
	liar.spoil = func(i int, block []byte) []byte {
		lied <- struct{}{}
		bad := append([]byte(nil), block...)
		bad[0] ^= 1
		return bad
	}
	honest := join(t, newHeld(f, true))
	leech, source := join(t, newHeld(f, false)), join(t, liar)
	s := leech.swarm.Session(SessionConfig{Root: f.root, Sink: leech.held})
	s.AddPeer(source.info(), "liar")
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()
	<-lied // alone: nobody else is known yet
	s.AddPeer(honest.info(), "honest")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s.peers.known[honest.host.ID()].banned {
		t.Error("the honest source was cut off")
	}
	if got := s.Status().Fetched; got != 60*10<<10 {
		t.Errorf("%d bytes counted, want %d", got, 60*10<<10)
	}
}

// A source whose file changed withdraws what it sent wrong, and goes on serving the rest.
func TestWithdrawingSourceIsNoLiar(t *testing.T) {
	f := newFile(t, 5, 200, 10<<10)
	changed, rest := newHeld(f, true), newHeld(f, true)
	changed.honest = true
	changed.spoil = func(i int, block []byte) []byte {
		if i < 70 || i >= 120 {
			return block
		}
		return make([]byte, len(block))
	}
	rest.have = bitfield.New(200)
	for i := 70; i < 120; i++ {
		rest.have.Set(i)
	}
	leech, source := join(t, newHeld(f, false)), join(t, changed)
	s, err := leech.download(t, 0, source, join(t, rest))
	if err != nil {
		t.Fatal(err)
	}
	if s.peers.known[source.host.ID()].banned {
		t.Error("a source that withdrew was cut off")
	}
}

func TestNobodyHasIt(t *testing.T) {
	f, other := newFile(t, 6, 3, 1000), newFile(t, 7, 3, 1000)
	leech := join(t, newHeld(f, false))
	_, err := leech.download(t, 300*time.Millisecond, join(t, newHeld(other, true)))
	if fault.KindOf(err) != fault.NotFound {
		t.Fatalf("%v, want not found", err)
	}
}

func TestFailingSinkEndsTheSession(t *testing.T) {
	f := newFile(t, 8, 30, 1000)
	sink := newHeld(f, false)
	sink.failPut = fault.New(fault.NoSpace, "disk full")
	_, err := join(t, sink).download(t, 0, join(t, newHeld(f, true)))
	if fault.KindOf(err) != fault.NoSpace {
		t.Fatalf("%v, want no space", err)
	}
}

// What a resumed session has already is not fetched again.
func TestResumeFetchesOnlyWhatIsMissing(t *testing.T) {
	f := newFile(t, 9, 50, 2000)
	sink := newHeld(f, false)
	for i := range 40 {
		sink.have.Set(i)
	}
	s, err := join(t, sink).download(t, 0, join(t, newHeld(f, true)))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Status().Fetched; got != 10*2000 {
		t.Errorf("fetched %d bytes, want %d", got, 10*2000)
	}
}

func TestBlocksOfARootOneByOne(t *testing.T) {
	f, other := newFile(t, 10, 5, 3000), newFile(t, 11, 2, 100)
	h := newHeld(f, true)
	for c, b := range other.blocks {
		f.blocks[c] = b // the holder has these too, but they are not of the root
	}
	seed, reader := join(t, h), join(t, newHeld(f, false))
	b := reader.swarm.Blocks(f.root, time.Second)
	b.AddPeer(t.Context(), seed.info())
	for i := range f.m.Len() {
		if _, err := b.Get(t.Context(), f.m.Entry(i).Cid); err != nil {
			t.Errorf("entry %d: %v", i, err)
		}
	}
	if _, err := b.Get(t.Context(), other.root); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a block of another root: %v, want not found", err)
	}
	b.Close()
}
