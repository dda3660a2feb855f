package node

import (
	"fmt"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/seed4134be55/peer/contentaddr/store"
)

// Hundreds of roots that come at once are all announced, each once and in their order.
func TestNewsOfHundreds(t *testing.T) {
	n := newNews()
	var want []cid.Cid
	for i := range 300 {
		sum, err := multihash.Sum(fmt.Append(nil, i), multihash.SHA2_256, -1)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, cid.NewCidV1(cid.Raw, sum))
		n.add(store.RootInfo{Cid: want[i]})
		n.add(store.RootInfo{Cid: want[i/2]})
	}
	<-n.wake
	for i := range want {
		if info, ok := n.take(); !ok || !info.Cid.Equals(want[i]) {
			t.Fatalf("%d: %s, %t", i, info.Cid, ok)
		}
	}
	if info, ok := n.take(); ok {
		t.Errorf("%s once more", info.Cid)
	}
}
