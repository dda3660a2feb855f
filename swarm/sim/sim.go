// Package sim runs a whole swarm in virtual time: a thousand peers on one core, and a seed replays every run.
//
// What decides is the code that runs over libp2p, unchanged: swarm/picker, swarm/choker and swarm/spread. This package
// is their other driver. It does what package swarm does around them (session.go stands for its session, serving.go for
// its server, sharing.go for its sharing, uplink.go for its gate, rates.go for its windows and meters), with the same
// delays and periods, and puts a model in the place of the network. Whoever changes one changes the other.
//
// The model. Every peer has an uplink and a downlink in bytes a second and no other limit. What a holder sends a wanter
// is one flow while something is queued. Bytes are a fluid: a flow's rate is the lesser of an equal share of its
// sender's uplink and an equal share of its receiver's downlink, and it changes only when a flow begins or ends at one
// of its two ends. A share that the other end cannot take is left unused, so the model errs to the slow side. Each
// message, and the last byte of a leaf, arrives a constant latency after it was sent; messages cost no bandwidth.
//
// What it leaves out, and so cannot show: TCP's slow start, data in the buffers of sockets (a cancel here takes back all
// but the leaf that has begun), hashing and disks, the manifest (a new peer has it when it is connected), sources that
// lie or hang, LANs, configured limits, the bounds on how often others may make us decide, and who of many candidates
// is met and kept: a peer gets random neighbours, as from a tracker or by peer exchange, and keeps them.
//
// Nothing here is safe for concurrent use, and nothing depends on the clock or on the order of a map. Floating point may
// round differently on another architecture: a seed replays a run of the same program.
//
// Start reading at Run; config.go says what can be asked for.
package sim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Run simulates a swarm until every peer that wants the root has it or has left, or until cfg.Limit.
func Run(cfg Config) (Result, error) {
	if err := cfg.check(); err != nil {
		return Result{}, err
	}
	w := newWorld(cfg)
	for w.wanting > 0 && w.clock.step(cfg.Limit) {
	}
	return w.result(), nil
}

func newWorld(cfg Config) *world {
	w := &world{cfg: cfg, rand: rand.New(rand.NewPCG(cfg.Seed, 0)), trace: newTrace(cfg.Observe)}
	for n, c := range cfg.Peers {
		p := newPeer(w, n, c)
		w.peers = append(w.peers, p)
		if !c.Whole {
			w.wanting++
		}
		w.clock.at(c.Arrives, p.arrive)
	}
	return w
}

// world is all there is.
type world struct {
	cfg     Config
	clock   clock
	rand    *rand.Rand // of membership alone: cores have their own
	trace   *trace
	peers   []*peer
	present []*peer // those connected or about to be
	known   []*peer // of these, those that everybody is told of
	wanting int     // peers that are to come or here and want something
}

// now is the time that the cores are told.
func (w *world) now() time.Time { return time.Unix(0, 0).Add(w.clock.now) }

// send lets a message arrive.
func (w *world) send(do func()) { w.clock.after(w.cfg.Latency, do) }

// size is the bytes of every leaf.
func (w *world) size(int) uint32 { return w.cfg.LeafBytes }

func (w *world) result() Result {
	r := Result{Hash: w.trace.hash, Events: w.clock.count, Ended: w.clock.now}
	for _, p := range w.peers {
		r.Peers = append(r.Peers, p.outcome)
	}
	return r
}

func (c *Config) check() error {
	switch {
	case c.Leaves < 1 || c.LeafBytes < 1:
		return fmt.Errorf("%d leaves of %d bytes", c.Leaves, c.LeafBytes)
	case c.Latency < 0 || c.Neighbours < 1 || c.Limit <= 0:
		return fmt.Errorf("latency %v, %d neighbours, limit %v", c.Latency, c.Neighbours, c.Limit)
	}
	for n, p := range c.Peers {
		if p.Up <= 0 || p.Down <= 0 || p.Arrives < 0 {
			return fmt.Errorf("peer %d arrives at %v with %g bytes a second up, %g down", n, p.Arrives, p.Up, p.Down)
		}
	}
	return nil
}
