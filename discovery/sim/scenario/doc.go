// Package scenario plays a text that a student can read beside a paper: what happens to a small network, and what its
// peers then say. It is pure text in, text out; papertest.Scenarios keeps such texts in testdata.
//
// A text is a row of blocks. A block is command lines, a line of four dashes, and what the commands print, up to an empty
// line. Lines that begin with # are the author's. Play returns the text with what the commands print now.
//
//	# Three peers and a lookup
//	network peers=3 successors=2
//	lookup p0 somekey
//	----
//	p1 1f8a03c4  p0 5cb0e731  p2 e01d22f9
//	p0 → p1 → p2 answers, 2 hops, 0 timeouts
//
// Peers are p0, p1 and so on in the order in which they came; wherever a machine names a node by the first digits of its
// id, the text has the peer's name (p3.1 is the second of a peer's nodes). A key is any word, or the digits of an id after
// 0x, with zeros behind. The commands:
//
//	network [peers=N] [seed=N] [latency=D] [loss=F] [NAME=VALUE…]   a new network, with tables filled; of N, else nobody
//	join [N] [through=PEER,…]     peers join, through a random one each
//	leave PEER… · crash PEER…     with a goodbye; without
//	fail SHARE                    that share of the peers crashes at once, such as 0.3
//	run D                         virtual time passes
//	partition PEER…               cuts these off from the others
//	heal · meet PEER PEER         whole again; the first hears of the second
//	freeze · thaw                 no timers fire, but those of lookups
//	route PEER KEY                who is responsible, and the way there
//	publish PEER KEY VALUE        stores a value for an hour
//	find PEER KEY                 the values under a key
//	show [PEER…]                  what machines hold, as they say
//	peers                         who is alive, in the order of their ids
//	trace on|messages|off         what machines say while they run; and every message
package scenario
