package node

import (
	"context"
	"fmt"

	"github.com/seed4134be55/peer/contentaddr/store"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
)

// takeOwn writes a root that this home holds whole to t's destination: nobody has to be found for it. It returns
// false where some of it is missing; what is here is taken over then.
func (n *Node) takeOwn(ctx context.Context, t *transfer, emit func(api.Event)) (whole bool, err error) {
	own, err := n.store.Root(ctx, t.link.Cid)
	if err != nil {
		if fault.KindOf(err) == fault.NotFound || fault.KindOf(err) == fault.Corrupt {
			return false, nil
		}
		return false, err
	}
	m := own.Manifest()
	if own.Have().Count() < m.Leaves() {
		return false, nil
	}
	emit(api.Event{Event: api.EventState, Cid: t.link.Cid.String(), Name: fileName(t.link), Message: fmt.Sprintf("copying %s: it is on this machine already", fileName(t.link))})
	if err := n.putNodes(ctx, t.into(), own); err != nil {
		return false, err
	}
	have, _, err := t.sink.Plan(ctx, m)
	return err == nil && have.Count() == m.Leaves(), err
}

// putNodes has a download keep inner nodes that the store holds, so that they outlive who brought them.
func (n *Node) putNodes(ctx context.Context, d *store.Download, own store.Content) error {
	m := own.Manifest()
	for i := range m.Len() {
		e := m.Entry(i)
		if e.Leaf {
			continue
		}
		block, err := n.store.Block(ctx, e.Cid, nil)
		if err == nil {
			err = d.PutNode(e.Cid, block)
		}
		if err != nil {
			return fmt.Errorf("take %s from what is here: %w", m.Root(), err)
		}
	}
	return nil
}
