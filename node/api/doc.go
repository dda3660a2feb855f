// Package api is how a verb reaches the one process that holds its home: the vocabulary of requests
// and events, the [Service] that the process offers, an HTTP server for it and the client.
//
// It talks over a unix socket of the home and nothing else; it opens no TCP port. It decides nothing
// about content or peers: package node does, behind Service.
//
// On the wire a verb is POST /v1/<verb> with a JSON object {"options":…,"request":…}. The answer is a
// stream of lines, one JSON [Event] each, that ends in {"event":"end"} or {"event":"error",…}; an answer
// that stops without either means that the process died, and the caller may ask again elsewhere: every
// request may be repeated. A line {"event":"data","bytes":n} is followed by n raw bytes. An empty line
// is a heartbeat.
//
// Start reading at service.go, then server.go and client.go.
package api
