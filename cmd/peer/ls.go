package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
)

func ls(p *program) *cobra.Command {
	var r api.ListRequest
	c := &cobra.Command{
		Use:   "ls LINK|PATH",
		Short: "List a folder: CID, size and name of each entry",
		Long: `List what is in the folder that a link names, or the file itself. Only the nodes on the way are fetched.
Of a PATH on this machine it lists what sharing it would give; it is read whole for that, and no peer is needed.`,
		GroupID:    groupLook,
		SuggestFor: []string{"dir"},
		Args:       operands("LINK or PATH", 1, 1),
		RunE: func(c *cobra.Command, words []string) error {
			linkErr := checkLink(words[0])
			if linkErr == nil {
				r.Link = words[0]
				return p.list(c, handed{
					name:    api.VerbList,
					request: r,
					first:   "looking for " + described([]string{r.Link}) + "…",
				}, "the folder is empty")
			}
			if _, err := os.Lstat(words[0]); err != nil {
				return fmt.Errorf("ls: neither a path nor a link: %w", linkErr)
			}
			if err := p.listPath(words[0]); err != nil {
				return fmt.Errorf("ls: %w", err)
			}
			return nil
		},
	}
	addTimeout(c, &r.Timeout)
	return c
}

// listPath lists what is on disk as it would be shared.
func (p *program) listPath(path string) error {
	if err := checkReadable(path); err != nil {
		return err
	}
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return p.listEntry(path, st)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		st, err := e.Info()
		if err == nil {
			err = p.listEntry(filepath.Join(path, e.Name()), st)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *program) listEntry(path string, st os.FileInfo) error {
	e := api.Event{Event: api.EventEntry, Name: st.Name()}
	switch {
	case st.Mode()&os.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		c, err := symlinkCID(target)
		if err != nil {
			return err
		}
		e.Type, e.Target, e.Cid = api.TypeSymlink, target, c.String()
		p.show.event(e)
		return nil
	case st.IsDir():
		e.Type = api.TypeFolder
	case st.Mode().IsRegular():
		e.Type = api.TypeFile
	default:
		p.show.event(api.Event{Event: api.EventSkipped, Path: path, Message: "neither a file, a folder nor a symlink"})
		return nil
	}
	found, err := p.importPath(path, importer.Options{})
	if err != nil {
		return err
	}
	e.Cid, e.Bytes = found.Root.String(), found.Bytes
	p.show.event(e)
	return nil
}

// symlinkCID returns the CID that a symlink has in the default profile. The importer follows one that it
// is asked for, so it cannot tell.
func symlinkCID(target string) (cid.Cid, error) {
	node := unixfs.Node{Kind: unixfs.Symlink, Data: []byte(target)}
	prefix := cid.Prefix{Version: 1, Codec: cid.DagProtobuf, MhType: multihash.SHA2_256, MhLength: -1}
	c, err := prefix.Sum(node.Encode())
	return c, fault.Mark(fault.Failed, err)
}
