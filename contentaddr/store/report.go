package store

import (
	"fmt"

	"github.com/ipfs/go-cid"
)

// Report says how much is held, and within which limits.
type Report struct {
	Roots     int
	Files     int   // of whole roots
	Leaves    int   // places of leaves of whole roots
	Bytes     int64 // of the files of whole roots
	NodeBytes int64 // of inner nodes, each root's counted
	Partial   int   // downloads that are not finished
	Problems  int   // roots with a Problem
	Database  int64 // bytes on disk
	OpenFiles int   // shared files open now
	Limits    Limits
}

// Report counts what is held. It reads one record a root.
func (s *Store) Report() (Report, error) {
	rep := Report{Limits: s.cfg.Limits, OpenFiles: s.files.len(), Database: int64(s.db.Metrics().DiskSpaceUsage())}
	err := s.eachRoot(func(_ cid.Cid, _ uint64, r *rootRecord) error {
		rep.NodeBytes += r.Nodes
		if r.Problem != "" {
			rep.Problems++
		}
		if !r.Complete {
			rep.Partial++
			return nil
		}
		rep.Roots++
		rep.Files += r.Files
		rep.Leaves += r.Leaves
		rep.Bytes += r.Bytes
		return nil
	})
	if err != nil {
		return Report{}, fmt.Errorf("report what is held: %w", err)
	}
	return rep, nil
}
