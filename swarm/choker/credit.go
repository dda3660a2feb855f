package choker

import "time"

const (
	// credit is how many bytes a peer gets before it has given any: a few leaves to pass on. After that it is served
	// before others only if it gives at least one byte for creditFor that it gets: a slow uplink is no fault.
	credit, creditFor = 4 << 20, 16
	// trickle is how many bytes a second it may get beyond that: one that fell behind has nothing yet that we lack, and
	// would never have.
	trickle = 256 << 10
)

// debtor tells whether p has had its credit and gave too little in return. Ranks alone do not stop it: they are looked at
// when a third of a download may be over, and where there are as many slots as peers there are no ranks.
func debtor(p Peer, now time.Time) bool {
	due := credit + creditFor*float64(p.BytesIn) + trickle*now.Sub(p.Since).Seconds()
	return p.Interested && !p.Seeding && !p.LAN && float64(p.BytesOut) >= due
}

// entitled returns those of peers that may be served: debtors only when nobody else wants anything.
func entitled(now time.Time, peers []Peer) []Peer {
	var others, debtors []Peer
	for _, p := range peers {
		if debtor(p, now) {
			debtors = append(debtors, p)
		} else {
			others = append(others, p)
		}
	}
	if len(debtors) > 0 && interested(others) == 0 {
		return debtors
	}
	return others
}
