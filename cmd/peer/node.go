package main

import (
	"context"

	"github.com/seed4134be55/peer/node"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/node/home"
)

// openNode builds the node of a home whose lock this process holds.
func openNode(_ context.Context, h *home.Home, o api.Options) (api.Node, error) {
	n, err := node.New(node.Config{Home: h, Options: o, Version: buildVersion()})
	if err != nil {
		return nil, err
	}
	return n, nil
}
