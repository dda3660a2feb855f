package systemtest

import (
	"testing"
	"time"

	"github.com/seed4134be55/peer/internal/netlab"
)

// outage is how long a link is cut: longer than a source may be silent before its requests go to others.
const outage = 6 * time.Second

func TestDownloadOutlivesACutLink(t *testing.T) {
	w := newWorld(t, netlab.Options{Hosts: 2, Rate: "60mbit"})
	movie := w.file("movie.mkv", 24*mib)
	h1, h2 := w.home("h1", "a", "lan"), w.home("h2", "a", "lan")
	shared, _ := h1.share(movie)
	getter := h2.get(shared.Link)
	at := w.progress(getter, 0.3)
	if err := w.lab.Cut("h2"); err != nil {
		t.Fatal(err)
	}
	<-time.After(outage)
	if err := w.lab.Heal("h2"); err != nil {
		t.Fatal(err)
	}
	done := w.event(getter, "done")
	t.Logf("cut at %d bytes; done %.1f s after it was healed", at.Bytes, (done.At - at.At - outage).Seconds())
	w.same(h2.got("movie.mkv"), movie)
}

// The link that was printed names an address that its sharer has no more. The peer's id in it is enough.
func TestOldLinkFindsASharerThatMoved(t *testing.T) {
	w := newWorld(t, netlab.Options{Hosts: 2})
	movie := w.file("movie.mkv", 4*mib)
	h1, h2 := w.home("h1", "a", "lan", "--modes", "lan"), w.home("h2", "a", "lan", "--modes", "lan")
	shared, _ := h1.share(movie, "--unlisted") // nobody says who has it
	w.sh("h1", "ip", "addr", "del", w.lab.Addr("h1").String()+"/24", "dev", "eth0")
	w.sh("h1", "ip", "addr", "add", "10.77.0.101/24", "dev", "eth0")
	w.sh("h1", "ip", "route", "add", "224.0.0.0/4", "dev", "eth0") // went with the last address
	done := w.event(h2.get(shared.Link), "done")
	t.Logf("%.1f s after the move", done.Seconds)
	w.same(h2.got("movie.mkv"), movie)
}
