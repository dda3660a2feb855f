package node

import (
	"fmt"
	"strings"

	"github.com/seed4134be55/peer/contentaddr/link"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/reach"
)

// adviseOn adds to an error that says that nobody was found where l's root was looked for, and what to do about it.
func (n *Node) adviseOn(err error, l link.Link, mode string) error {
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	if mode != "" {
		return fmt.Errorf("%w (only %s was asked: without --mode all modes are, and the link's addresses tried)", err, mode)
	}
	return fmt.Errorf("%w (%s)", err, n.advice(l))
}

// advice says what may help to find the root of l.
func (n *Node) advice(l link.Link) string {
	tried := l.Peers()
	if len(tried) == 0 && len(n.modes) == 0 {
		return "a CID alone is found by discovery, which is off: use the whole link, or --modes lan,kademlia"
	}
	var addrs []string
	for _, p := range tried {
		for _, a := range n.reach.Filter(p.Addrs) {
			addrs = append(addrs, a.String())
		}
	}
	where := "the link's addresses were tried: " + strings.Join(addrs, " ") + "; "
	if len(addrs) == 0 {
		where = ""
	}
	switch {
	case n.reach != reach.Internet:
		return where + fmt.Sprintf("this peer's reach is %s; where that is too near, use a wider --reach at both ends", n.reach)
	case len(n.bootstrap) == 0:
		return where + "run peer doctor on the machine that shares it; if it cannot be reached, run peer serve --relay on a machine " +
			"that both can reach, and start both with --bootstrap and the address that it prints"
	}
	return where + "run peer doctor on the machine that shares it: is it started with the same --bootstrap?"
}
