package swarmlab

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed4134be55/peer/internal/process"
)

// A peer is one real peer on a host, with a home of its own. It serves until it is killed or the lab ends.
type peer struct {
	world *world
	host  string
	home  string
	p     *process.Process
	began time.Time
	done  process.Event // of its download
}

// start runs a verb as a peer.
func (w *world) start(host, home string, words ...string) (*peer, error) {
	p := &peer{world: w, host: host, home: filepath.Join(w.dir, home), began: time.Now()}
	var err error
	p.p, err = p.verb(words...)
	return p, err
}

// verb starts a verb on a peer's home.
func (p *peer) verb(words ...string) (*process.Process, error) {
	global := append([]string{"--json", "--home", p.home, "--reach", "lan"}, p.world.Options...)
	cmd := p.world.lab.Command(p.world.ctx, p.host, p.world.Peer, append(global, words...)...)
	cmd.Env = append(os.Environ(), "HOME="+p.home, "XDG_CONFIG_HOME="+p.home, "PEER_HOME=", "PEER_REACH=")
	return process.Start(cmd)
}

// seed shares what is shared on a host and returns its link.
func (w *world) seed(host string) (p *peer, link string, err error) {
	if p, err = w.start(host, "seed-"+host, append([]string{"share", w.path}, w.Share...)...); err != nil {
		return nil, "", err
	}
	e, err := p.p.Event(patience, "shared")
	return p, e.Link, err
}

// get starts a download, after which the peer goes on serving.
func (w *world) get(host, link string, options ...string) (*peer, error) {
	return w.start(host, "get-"+host, append([]string{"get", "--seed", "-o", w.into(host), link}, options...)...)
}

func (w *world) into(host string) string { return filepath.Join(w.dir, "into-"+host) }

// getAll starts downloads on the hosts from first to last.
func (w *world) getAll(first, last int, link string) ([]*peer, error) {
	var all []*peer
	for i := first; i <= last; i++ {
		p, err := w.get(host(i), link)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// finish waits until the downloads are done, compares what they wrote, and returns the seconds that each took, ascending.
func (w *world) finish(ps []*peer) ([]float64, error) {
	var took []float64
	for _, p := range ps {
		e, err := p.p.Event(patience, "done")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.host, err)
		}
		p.done = e
		took = append(took, e.At.Seconds())
	}
	for _, p := range ps {
		if err := same(w.path, p.done.Path); err != nil {
			return nil, fmt.Errorf("%s: %w", p.host, err)
		}
	}
	w.Log("took %s s", numbers(took))
	slices.Sort(took)
	return took, nil
}

func numbers(of []float64) string {
	var words []string
	for _, v := range of {
		words = append(words, strconv.FormatFloat(v, 'f', 2, 64))
	}
	return strings.Join(words, " ")
}

// reaches waits until a download has a share of its bytes and returns how many.
func (p *peer) reaches(share float64) (int64, error) {
	e, err := p.p.EventWhere(patience, "progress", func(e process.Event) bool {
		return e.Total > 0 && float64(e.Bytes) >= share*float64(e.Total)
	})
	return e.Bytes, err
}

// A count is what a peer sent and received.
type count struct {
	Sent     int64 `json:"sent"`     // data
	Received int64 `json:"received"` // data
	Words    int64 `json:"words"`    // messages beside it, sent
}

// count asks the peer.
func (p *peer) count() (c count, err error) {
	status, err := p.verb("status")
	if err != nil {
		return c, err
	}
	e, err := status.Event(patience, "status")
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal([]byte(e.Line), &c)
}

// counts asks all and adds up.
func counts(ps []*peer) (sum count, err error) {
	for _, p := range ps {
		c, err := p.count()
		if err != nil {
			return sum, err
		}
		sum.Sent += c.Sent
		sum.Received += c.Received
		sum.Words += c.Words
	}
	return sum, nil
}
