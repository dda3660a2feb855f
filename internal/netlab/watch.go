package netlab

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

//go:embed watch.nft
var watchRules string

// Watch counts packets that the programs on one host send. It proves what a reach promises.
type Watch struct {
	lab  *Lab
	host string
}

// Counts are packets that a host tried to send since it was watched. The kernel's own IPv6 housekeeping (ICMPv6:
// neighbours, multicast groups) is left out.
type Counts struct {
	Outside   int // through any interface but loopback; the other two are parts of it
	Multicast int // to a multicast address: mDNS, SSDP, IGMP
	Public    int // to an address of the internet. In a lab whose subnet looks public, that is the whole lab
}

// Watch starts to count from nought on h1 to hN. A host without a default route gets one into nowhere, so that a
// packet to the internet is sent and counted, instead of failing before it is seen; Cut takes that route away.
func (l *Lab) Watch(host string) (*Watch, error) {
	w := &Watch{l, host}
	if err := w.awaitAddresses(); err != nil {
		return nil, err
	}
	for _, family := range []string{"-4", "-6"} {
		if err := w.routeIntoNowhere(family); err != nil {
			return nil, err
		}
	}
	load := l.Command(context.Background(), host, "nft", "-f", "-")
	load.Stdin = strings.NewReader(watchRules)
	if out, err := load.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("netlab: watch %s: %w: %s", host, err, out)
	}
	return w, nil
}

// Counts reads the counters.
func (w *Watch) Counts() (Counts, error) {
	out, err := w.lab.Command(context.Background(), w.host, "nft", "-j", "list", "counters", "table", "inet", "watch").Output()
	if err != nil {
		return Counts{}, fmt.Errorf("netlab: read the counters of %s: %w", w.host, err)
	}
	var list struct {
		Items []struct {
			Counter struct {
				Name    string
				Packets int
			}
		} `json:"nftables"`
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return Counts{}, fmt.Errorf("netlab: read the counters of %s: %w", w.host, err)
	}
	packets := map[string]int{}
	for _, item := range list.Items {
		packets[item.Counter.Name] = item.Counter.Packets
	}
	return Counts{packets["outside"], packets["multicast"], packets["public"]}, nil
}

// awaitAddresses waits until the host's IPv6 addresses are its own: for a second after its link comes up, while
// the kernel asks whether another host has them, nothing can be sent from them, or counted.
func (w *Watch) awaitAddresses() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for {
		tentative, err := exec.Command("ip", "-n", w.lab.namespace(w.host), "-6", "addr", "show", "tentative").Output()
		if err != nil {
			return fmt.Errorf("netlab: addresses of %s: %w", w.host, err)
		}
		if len(tentative) == 0 {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("netlab: addresses of %s stay tentative: %s", w.host, tentative)
		}
	}
}

// routeIntoNowhere adds a default route without a gateway: what takes it is sent, and finds nobody.
func (w *Watch) routeIntoNowhere(family string) error {
	ns := w.lab.namespace(w.host)
	routes, err := exec.Command("ip", "-n", ns, family, "route", "show", "default").Output()
	if err != nil {
		return fmt.Errorf("netlab: routes of %s: %w", w.host, err)
	}
	if len(routes) > 0 {
		return nil
	}
	if out, err := exec.Command("ip", "-n", ns, family, "route", "add", "default", "dev", "eth0").CombinedOutput(); err != nil {
		return fmt.Errorf("netlab: route into nowhere on %s: %w: %s", w.host, err, out)
	}
	return nil
}
