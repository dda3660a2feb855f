package node

import "github.com/seed4134be55/peer/fault"

// A process may have a limited number of files and sockets open at once (RLIMIT_NOFILE). Half of it is for sockets, as
// libp2p has it; of the rest, what the database and the unforeseen take is left alone.
const (
	leastOpen   = 128 // below this there is not room for everything once
	overhead    = 64  // the database's tables and logs, folders, standard streams, callers on the control socket
	fewestFiles = 8   // kept open of all shares, and again of all downloads
	mostFiles   = 128 // more would be no quicker
	// A download of a folder keeps its folders open, so that fewer go on at once where there is little room.
	filesPerGet = 8
)

// A budget is how many may be open of each kind.
type budget struct {
	sockets int // 0: no limit is known
	files   int // of all shares, and again of all downloads
	gets    int // links that one request fetches at once
}

// shareOut divides what a process may have open; 0 is no known limit.
func shareOut(limit int) budget {
	b := budget{files: mostFiles, gets: maxGets}
	if limit > 0 {
		b.sockets = limit / 2
		b.files = min(max((limit/2-overhead)/2, fewestFiles), mostFiles)
		b.gets = max(min(b.files/filesPerGet, maxGets), 1)
	}
	return b
}

// openFiles returns how many files and sockets this process may have open; 0 where no limit is known.
func openFiles() (int, error) {
	limit, known := fileLimit()
	if known && limit < leastOpen {
		return 0, fault.New(fault.Refused, "this process may have only %d files open, and needs %d: raise that (ulimit -n)", limit, leastOpen)
	}
	return limit, nil
}
