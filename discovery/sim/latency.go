package sim

import (
	"math"
	"math/rand/v2"
	"time"
)

// A Latency says how long messages take between peers. Peers are numbers from 0 on; where one is follows from its number.
type Latency interface {
	// OneWay returns how long one message takes from a to b, which differ.
	OneWay(a, b int, r *rand.Rand) time.Duration
	// RoundTrip returns what a message and its answer take, without what is random about it.
	RoundTrip(a, b int) time.Duration
}

// Constant is the same time one way between any two peers.
type Constant time.Duration

// OneWay implements Latency.
func (c Constant) OneWay(int, int, *rand.Rand) time.Duration { return time.Duration(c) }

// RoundTrip implements Latency.
func (c Constant) RoundTrip(int, int) time.Duration { return 2 * time.Duration(c) }

// scatter gives four numbers from 0 to below 1 that look random (SplitMix64) and follow from a seed and a peer, so that
// any number of places takes no memory.
func scatter(seed uint64, peer int) (p [4]float64) {
	state := seed ^ uint64(peer)*0xd1342543de82ef95
	for i := range p {
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		p[i] = float64((z^z>>31)>>11) / (1 << 53)
	}
	return p
}

// A Plane scatters peers over a square of 1000 by 1000, and the distance is Euclidean: Pastry's paper measures routes so
// (Rowstron and Druschel 2001, §3). A unit takes 0.1 ms one way, so that the farthest are 141 ms apart.
func Plane(seed uint64) Latency { return plane(seed) }

type plane uint64

const (
	planeSide = 1000
	planeUnit = 100 * time.Microsecond
)

// OneWay implements Latency.
func (p plane) OneWay(a, b int, _ *rand.Rand) time.Duration { return p.RoundTrip(a, b) / 2 }

// RoundTrip implements Latency.
func (p plane) RoundTrip(a, b int) time.Duration {
	pa, pb := scatter(uint64(p), a), scatter(uint64(p), b)
	d := planeSide * math.Hypot(pa[0]-pb[0], pa[1]-pb[1])
	return time.Duration(2 * d * float64(planeUnit))
}

// Internet is a synthetic model with what measurements of the internet show: peers come in clusters (continents), each
// has an access link that any message crosses (the height of Vivaldi's coordinates: Dabek et al., SIGCOMM 2004), and no
// message takes quite as long as the last. It is not fitted to a data set; for one, see ReadMatrix.
//
// Five clusters with shares and places of Internet's own choosing lie on a plane measured in milliseconds one way, and a
// peer is around its cluster's middle, normally distributed with a deviation of 10 ms. Heights are exponential with a mean
// of 6 ms. A message takes distance and both heights, times 1 plus an exponential with a mean of 0.05.
//
// It remembers where peers are, and so is for one Sim.
func Internet(seed uint64) Latency { return &internet{seed: seed} }

type internet struct {
	seed   uint64
	places []spot // of peers, as far as they were asked for
}

// A spot is where a peer is. All are in milliseconds.
type spot struct{ x, y, height float32 }

var clusters = [...]struct{ share, x, y float64 }{
	{0.33, 0, 0},     // North America
	{0.30, 45, 10},   // Europe
	{0.25, -30, 75},  // East Asia
	{0.06, 10, -60},  // South America
	{0.06, -50, 125}, // Oceania
}

const (
	clusterSpread = 10   // ms
	meanHeight    = 6    // ms
	meanJitter    = 0.05 // of the time that it takes without
)

func (n *internet) place(peer int) spot {
	for p := len(n.places); p <= peer; p++ {
		n.places = append(n.places, settle(scatter(n.seed, p)))
	}
	return n.places[peer]
}

// settle makes a place of numbers from 0 to below 1.
func settle(u [4]float64) spot {
	c := clusters[len(clusters)-1]
	for _, d := range clusters {
		if u[0] < d.share {
			c = d
			break
		}
		u[0] -= d.share
	}
	far := clusterSpread * math.Sqrt(-2*math.Log(1-u[1])) // Box and Muller
	sin, cos := math.Sincos(2 * math.Pi * u[2])
	return spot{float32(c.x + far*cos), float32(c.y + far*sin), float32(-meanHeight * math.Log(1-u[3]))}
}

// OneWay implements Latency.
func (n *internet) OneWay(a, b int, r *rand.Rand) time.Duration {
	return time.Duration(float64(n.RoundTrip(a, b)) / 2 * (1 + meanJitter*r.ExpFloat64()))
}

// RoundTrip implements Latency.
func (n *internet) RoundTrip(a, b int) time.Duration {
	p, q := n.place(a), n.place(b)
	x, y := float64(p.x-q.x), float64(p.y-q.y)
	return time.Duration(2 * (math.Sqrt(x*x+y*y) + float64(p.height+q.height)) * float64(time.Millisecond))
}
