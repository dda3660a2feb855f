package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/contentaddr/link"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/node/home"
)

// Links to what may be in the world.
const (
	linkA = "peer://bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4/a.txt"
	linkB = "peer://bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e/b.txt"
	linkC = "peer://bafkreiccp6j4v7m4ygn6n3wahzmqzhdm36pwrcs6v4q7vdlsgupcwfp5au/c.txt"
)

// fake is a node whose network is a folder, PEER_TEST_WORLD: what has a file <cid> there can be fetched. If
// that is a FIFO, it comes when the test writes to it.
type fake struct {
	home    *home.Home
	options api.Options
	world   string
}

func openFake(_ context.Context, h *home.Home, o api.Options) (api.Node, error) {
	if os.Getenv("PEER_TEST_BROKEN") != "" {
		return nil, errors.New("store: manifest is damaged")
	}
	if err := os.MkdirAll(h.Path("shares"), 0o700); err != nil {
		return nil, err
	}
	return &fake{home: h, options: o, world: os.Getenv("PEER_TEST_WORLD")}, nil
}

func (f *fake) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (f *fake) Close() error { return nil }

const fakeID = "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"

func (f *fake) Share(ctx context.Context, r api.ShareRequest, emit func(api.Event)) error {
	for _, path := range r.Paths {
		profile, err := unixfs.ParseProfile(r.Profile)
		if err != nil {
			return err
		}
		found, err := importer.Import(ctx, path, importer.Options{Profile: profile, NoHidden: r.NoHidden, Preserve: r.Preserve}, nil, nil)
		if err != nil {
			return err
		}
		for _, s := range found.Skipped {
			emit(api.Event{Event: api.EventSkipped, Path: s.Path, Message: s.Why})
		}
		name := filepath.Base(path)
		if r.Name != "" {
			name = r.Name
		}
		if err := os.WriteFile(f.home.Path("shares", found.Root.String()), []byte(name), 0o600); err != nil {
			return err
		}
		emit(api.Event{
			Event: api.EventShared, Cid: found.Root.String(), Name: name, Path: path, Bytes: found.Bytes, Files: found.Files,
			Link:     link.Link{Cid: found.Root, Name: name}.String() + "?a=/ip4/127.0.0.1/tcp/4001/p2p/" + fakeID,
			Audience: fmt.Sprintf("public %t, unlisted %t, reach %s", r.Public, r.Unlisted, f.options.Reach),
			Seconds:  0.01,
		})
	}
	<-ctx.Done()
	return nil
}

func (f *fake) Get(ctx context.Context, r api.GetRequest, emit func(api.Event)) error {
	for _, text := range r.Links {
		l, err := link.Parse(text)
		if err != nil {
			return err
		}
		c := l.Cid.String()
		emit(api.Event{Event: api.EventState, Cid: c, Message: fmt.Sprintf("looking for %s on: the world of process %d", c, os.Getpid())})
		content, err := f.fetch(ctx, c, r.Timeout)
		if err != nil {
			return err
		}
		n := int64(len(content))
		emit(api.Event{Event: api.EventProgress, Cid: c, Name: l.Name, Bytes: n, Total: n, Sources: 1, Rate: 1e6})
		path := filepath.Join(r.Dir, filepath.Base(l.Name))
		if _, err := os.Stat(path); err == nil && !r.Overwrite {
			return fault.New(fault.Refused, "%s exists and differs: --overwrite replaces it", path)
		}
		if err := os.MkdirAll(r.Dir, 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			return err
		}
		emit(api.Event{Event: api.EventDone, Cid: c, Path: path, Bytes: n, Fetched: n, Seconds: 0.5})
	}
	if r.Seed {
		<-ctx.Done()
	}
	return nil
}

// fetch reads from the world. A FIFO is waited for on the side, as opening one does not heed a context.
func (f *fake) fetch(ctx context.Context, c string, timeout time.Duration) ([]byte, error) {
	type result struct {
		content []byte
		err     error
	}
	read := make(chan result, 1)
	go func() {
		content, err := os.ReadFile(filepath.Join(f.world, c))
		read <- result{content, err}
	}()
	select {
	case r := <-read:
		if errors.Is(r.err, fs.ErrNotExist) {
			if timeout == 0 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return nil, fault.New(fault.NotFound, "nobody has %s: waited %v", c, timeout)
		}
		return r.content, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *fake) Cat(ctx context.Context, r api.CatRequest, w io.Writer, _ func(api.Event)) error {
	l, err := link.Parse(r.Link)
	if err != nil {
		return err
	}
	content, err := f.fetch(ctx, l.Cid.String(), r.Timeout)
	if err != nil {
		return err
	}
	_, err = w.Write(content[min(int64(len(content)), r.Offset):])
	return err
}

func (f *fake) List(ctx context.Context, r api.ListRequest, emit func(api.Event)) error {
	l, err := link.Parse(r.Link)
	if err != nil {
		return err
	}
	content, err := f.fetch(ctx, l.Cid.String(), r.Timeout)
	if err != nil {
		return err
	}
	for name := range strings.Lines(string(content)) {
		name = strings.TrimSuffix(name, "\n")
		emit(api.Event{Event: api.EventEntry, Name: name, Type: api.TypeFile, Cid: l.Cid.String(), Bytes: int64(len(name))})
	}
	return nil
}

func (f *fake) Serve(ctx context.Context, _ api.ServeRequest, emit func(api.Event)) error {
	emit(api.Event{Event: api.EventServing, Peer: fakeID, Addrs: []string{"/ip4/127.0.0.1/tcp/4001"}})
	<-ctx.Done()
	return nil
}

// The fake's hash table is a folder of the world, hash, with a folder for each key and a file for each value in it. Only
// the mode "chord" is there, and a route has two hops.

func (f *fake) Route(_ context.Context, r api.RouteRequest, emit func(api.Event)) error {
	if err := f.mode(r.Mode); err != nil {
		return err
	}
	for i, left := range []string{"31.2%", "2^150"} {
		emit(api.Event{Event: api.EventHop, Mode: "chord", Key: r.Key, Hops: i + 1, Peer: fakeID, Distance: left, Latency: 0.0015})
	}
	emit(api.Event{Event: api.EventOwner, Mode: "chord", Key: r.Key, Hops: 2, Peer: fakeID, Distance: "2^150"})
	return nil
}

func (f *fake) mode(word string) error {
	if word != "" && word != "chord" {
		return fault.New(fault.BadInput, "--mode %s: this peer runs with --modes chord: start it with --modes chord,%s", word, word)
	}
	return nil
}

func (f *fake) Put(_ context.Context, r api.PutRequest, emit func(api.Event)) error {
	if err := f.mode(r.Mode); err != nil {
		return err
	}
	dir := filepath.Join(f.world, "hash", r.Key)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	emit(api.Event{Event: api.EventStored, Mode: "chord", Key: r.Key, Bytes: int64(len(r.Value))})
	return os.WriteFile(filepath.Join(dir, filepath.Base(f.home.Dir())), r.Value, 0o600)
}

func (f *fake) Value(_ context.Context, r api.ValueRequest, emit func(api.Event)) error {
	if err := f.mode(r.Mode); err != nil {
		return err
	}
	files, _ := os.ReadDir(filepath.Join(f.world, "hash", r.Key))
	if len(files) == 0 {
		return fault.New(fault.NotFound, "nobody has put a value under %q", r.Key)
	}
	for _, file := range files {
		value, err := os.ReadFile(filepath.Join(f.world, "hash", r.Key, file.Name()))
		if err != nil {
			return err
		}
		emit(api.Event{
			Event: api.EventValue, Mode: "chord", Key: r.Key, Peer: file.Name(), Self: file.Name() == filepath.Base(f.home.Dir()),
			Value: string(value), Bytes: int64(len(value)), Sequence: 7, Expires: time.Unix(1e9, 0).UTC(),
		})
	}
	return nil
}

func (f *fake) Doctor(_ context.Context, _ api.DoctorRequest, emit func(api.Event)) error {
	emit(api.Event{Event: api.EventCheck, Name: "listening", State: api.CheckOK, Message: "on port 4001"})
	emit(api.Event{Event: api.EventCheck, Name: "reachable", State: api.CheckProblem, Message: "nobody can reach it", Hint: "open port 4001"})
	return nil
}

func (f *fake) Peers(context.Context, api.PeersRequest, func(api.Event)) error { return nil }

// Transfers are the lines of a file of that name in the world.
func (f *fake) Transfers(ctx context.Context, r api.TransfersRequest, emit func(api.Event)) error {
	lines, err := os.ReadFile(filepath.Join(f.world, "transfers"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if r.Watch {
		emit(api.Event{Event: api.EventRound, Transfers: strings.Count(string(lines), "\n")})
	}
	for line := range strings.Lines(string(lines)) {
		var e api.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return err
		}
		emit(e)
	}
	if r.Watch {
		<-ctx.Done()
	}
	return nil
}

func (f *fake) Status(_ context.Context, _ api.StatusRequest, emit func(api.Event)) error {
	emit(api.Event{
		Event: api.EventStatus, Pid: os.Getpid(), Home: f.home.Dir(), Version: "0.1",
		Reach: f.options.Reach, Network: f.options.Network, Modes: f.options.Modes,
	})
	return nil
}

func (f *fake) Shares(_ context.Context, _ api.SharesRequest, emit func(api.Event)) error {
	entries, err := os.ReadDir(f.home.Path("shares"))
	for _, e := range entries {
		name, _ := os.ReadFile(f.home.Path("shares", e.Name()))
		emit(api.Event{Event: api.EventShare, Cid: e.Name(), Name: string(name), Complete: true})
	}
	return err
}

func (f *fake) Forget(_ context.Context, r api.ForgetRequest, emit func(api.Event)) error {
	l, err := link.Parse(r.Link)
	if err != nil {
		return err
	}
	if err := os.Remove(f.home.Path("shares", l.Cid.String())); err != nil {
		return fault.New(fault.NotFound, "%s is not shared from this home: `peer shares` lists what is", l.Cid)
	}
	emit(api.Event{Event: api.EventForgot, Cid: l.Cid.String(), Name: l.Name})
	return nil
}
