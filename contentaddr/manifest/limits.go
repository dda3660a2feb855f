package manifest

// Limits bound what a DAG from a stranger may cost.
type Limits struct {
	Depth       int   // nodes on the longest path from the root
	FileDepth   int   // of those, nodes of one file
	Entries     int   // distinct blocks
	Pending     int   // bytes of CIDs that are known but not listed yet
	Occurrences int64 // places of leaves, and names, after expansion
}

// DefaultLimits returns the limits that every honest DAG is known to pass.
func DefaultLimits() Limits { panic("soon") }
