// Package systemtest holds what peer promises as a whole: several real peer processes on several hosts, the
// links between them shaped, cut and counted.
//
// There is nothing in it but tests. Most need a netlab, and so root, and are skipped in a line where there is none;
// overlays_test.go needs loopback alone. Each file is one promise; fixture_test.go has the words that they are written in.
// Start reading there.
package systemtest
