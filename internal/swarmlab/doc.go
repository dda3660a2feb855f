// Package swarmlab runs whole swarms of real peers on the hosts of a lab, and says how near each comes to what its
// links allow.
//
// A Case is one situation: a seed and eight downloaders, a seed that is stopped, two LANs. It measures its own bound,
// one plain TCP copy over one of the same links, and returns Figures, most of them ratios to that bound. Package
// systemtest runs small ones and holds them against limits; bench/swarm runs all at full size and prints them.
//
// It knows peer by its command line only. Start reading at Cases.
package swarmlab
