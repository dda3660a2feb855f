package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/contentaddr/names"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/reach"
)

func share(p *program) *cobra.Command {
	var r api.ShareRequest
	c := &cobra.Command{
		Use:   "share PATH…",
		Short: "Share files and folders in place; print a link for each",
		Long: `Share files and folders where they are, without copying them, and print a link for each. It serves until
Ctrl-C; what was shared is served again whenever a peer runs in this home, until "peer forget LINK".`,
		Example:    "  peer share movie.mkv\n  peer share --public ~/talks",
		GroupID:    groupMove,
		SuggestFor: []string{"add", "send", "seed", "publish", "upload"},
		Args:       operands("PATH", 1, -1),
		RunE: func(c *cobra.Command, paths []string) error {
			if err := checkShare(c, p, &r, paths); err != nil {
				return fmt.Errorf("share: %w", err)
			}
			return p.share(c, r)
		},
	}
	f := c.Flags()
	addImport(c, &r.Profile, &r.NoHidden, &r.Preserve)
	f.StringVar(&r.Name, "name", "", "`NAME` in the link, instead of the path's own")
	f.BoolVar(&r.Public, "public", false, "announce it to the internet's DHT as well")
	f.BoolVar(&r.Unlisted, "unlisted", false, "announce it nowhere: by link only")
	return c
}

// addImport adds the flags that decide a CID.
func addImport(c *cobra.Command, profile *string, noHidden, preserve *bool) {
	f := c.Flags()
	f.StringVar(profile, "profile", "", "`PROFILE` of the CIDs: "+unixfs.UnixFSv1+" (default) or "+unixfs.UnixFSv0)
	f.BoolVar(noHidden, "no-hidden", false, "leave out files and folders whose names begin with a dot")
	f.BoolVar(preserve, "preserve", false, "keep permissions and modification times")
	complete(c, "profile", unixfs.UnixFSv1, unixfs.UnixFSv0)
}

func (p *program) share(c *cobra.Command, r api.ShareRequest) error {
	shared := 0
	err := p.hand(c, handed{
		name:    api.VerbShare,
		request: r,
		first:   "hashing " + strings.Join(r.Paths, ", ") + "…",
		seen: func(e api.Event) {
			if e.Event == api.EventShared {
				shared++
			}
		},
	})
	if fault.KindOf(err) != fault.Interrupted {
		return err
	}
	if shared == len(r.Paths) {
		return nil // it was shared; Ctrl-C is how that ends
	}
	return fault.New(fault.Interrupted, "interrupted: %d of %d shared", shared, len(r.Paths))
}

func checkShare(c *cobra.Command, p *program, r *api.ShareRequest, paths []string) error {
	if err := checkProfile(r.Profile); err != nil {
		return err
	}
	if r.Public && r.Unlisted {
		return fault.New(fault.BadInput, "--public announces and --unlisted does not: take one")
	}
	if r.Public && c.Flags().Changed(api.OptReach) && p.flags.Reach != reach.Internet.String() {
		return fault.New(fault.BadInput, "--public needs --reach internet, not %s", p.flags.Reach)
	}
	if r.Name != "" && len(paths) > 1 {
		return fault.New(fault.BadInput, "--name names one PATH, not %d", len(paths))
	}
	if r.Name != "" {
		if err := (names.Rules{}).Check(r.Name); err != nil {
			return fault.New(fault.BadInput, "--name: %w", err)
		}
	}
	var err error
	r.Paths, err = localPaths(paths)
	return err
}

func checkProfile(name string) error {
	if _, err := unixfs.ParseProfile(name); err != nil {
		return fmt.Errorf("--profile: %w", err)
	}
	return nil
}

// localPaths makes paths absolute, each once, and makes sure that they can be read.
func localPaths(paths []string) ([]string, error) {
	var out []string
	known := make(map[string]bool)
	for _, path := range paths {
		abs, err := filepath.Abs(path)
		if err != nil {
			return nil, fault.New(fault.BadInput, "%s: %w", path, err)
		}
		if known[abs] {
			continue
		}
		known[abs] = true
		if err := checkReadable(abs); err != nil {
			return nil, err
		}
		out = append(out, abs)
	}
	return out, nil
}

func checkReadable(path string) error {
	st, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.BadInput, "%s does not exist", path)
	case err != nil:
		return fault.New(fault.BadInput, "%w", err)
	case st.Mode()&os.ModeSymlink != 0:
		return nil
	case !st.IsDir() && !st.Mode().IsRegular():
		return fault.New(fault.BadInput, "%s is neither a file nor a folder", path)
	}
	f, err := os.Open(path) // not before its type is known: opening a FIFO waits
	if err != nil {
		return fault.New(fault.BadInput, "%w", err)
	}
	return f.Close()
}
