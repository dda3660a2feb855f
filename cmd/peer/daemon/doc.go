// Package daemon keeps one process a home: a verb is answered by the process that holds the home's lock,
// whatever verb started that one, and the first verb becomes that process itself.
//
// Every verb, also that of the holder, goes through the same client over the same socket. The holder
// lives until its own verb and everything that was handed to it have ended. If it dies, one of the
// others takes the lock and the rest hand their verbs over again; see resume.go for what an answer that
// broke off has shown already.
//
// It knows neither peers nor content (package node) nor the terminal (cmd/peer itself).
package daemon
