//go:build !unix

package node

// fileLimit knows of no limit.
func fileLimit() (limit int, known bool) { return 0, false }
