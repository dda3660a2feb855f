package api

import (
	"context"
	"io"
)

// A Service is what the holder of a home does for the verbs. All methods may be called at once, and
// before or while [Node.Run] runs: one that needs the network waits until it is there.
//
// Each method returns when its work is done or soon after ctx has ended (its caller left, or the
// process stops). Whatever it was asked, it may be asked again after the process died half way: it then
// resumes, or finds the work done and says so.
//
// emit hands an event to the caller. It may be called from several goroutines, not after the method has
// returned. It blocks while the caller reads slowly, except for EventProgress and EventState, of which
// only the newest waits; it never blocks once ctx has ended. Names in events are as they came, hostile
// or not: the command line escapes them.
//
// Errors carry a kind (package fault). The error is reported once, so methods do not emit EventError.
type Service interface {
	// Share imports r.Paths (EventState, EventProgress, EventSkipped, EventWarning), emits EventShared for
	// each as soon as others can fetch it, and serves until ctx ends, when it returns nil.
	Share(ctx context.Context, r ShareRequest, emit func(Event)) error

	// Get fetches r.Links (EventState, EventProgress) and emits EventDone for each. With r.Seed it
	// then serves until ctx ends and returns nil; a ctx that ends earlier is an error of kind Interrupted.
	// Links that fail do not stop the others.
	Get(ctx context.Context, r GetRequest, emit func(Event)) error

	// List emits an EventEntry for each entry of a folder in the folder's order, or for the file itself.
	List(ctx context.Context, r ListRequest, emit func(Event)) error

	// Cat writes the file's bytes from r.Offset on to w, in order. emit is for EventState alone.
	Cat(ctx context.Context, r CatRequest, w io.Writer, emit func(Event)) error

	// Route emits EventState with the mode that is asked, an EventHop for each hop of a lookup of r.Key, and at the end
	// EventOwner. fault.BadInput if no such mode runs, or it shows no routes.
	Route(ctx context.Context, r RouteRequest, emit func(Event)) error

	// Put stores r.Value under r.Key, in place of what this peer stored there before, and emits EventStored. The modes
	// and errors are as for Route.
	Put(ctx context.Context, r PutRequest, emit func(Event)) error

	// Value emits an EventValue for each value under r.Key, one a writer; none is fault.NotFound.
	Value(ctx context.Context, r ValueRequest, emit func(Event)) error

	// Serve emits EventServing once it listens and serves until ctx ends, when it returns nil.
	Serve(ctx context.Context, r ServeRequest, emit func(Event)) error

	// Doctor emits an EventCheck for each thing that it looked at.
	Doctor(ctx context.Context, r DoctorRequest, emit func(Event)) error

	// Peers emits an EventPeer for each peer that is connected.
	Peers(ctx context.Context, r PeersRequest, emit func(Event)) error

	// Transfers emits an EventTransfer for each root that is being fetched or served, and for each
	// download that waits to be resumed. With r.Watch it does so again and again until ctx ends.
	Transfers(ctx context.Context, r TransfersRequest, emit func(Event)) error

	// Status emits one EventStatus. It works without Run, as do Shares and Forget.
	Status(ctx context.Context, r StatusRequest, emit func(Event)) error

	// Shares emits an EventShare for each root that the home holds.
	Shares(ctx context.Context, r SharesRequest, emit func(Event)) error

	// Forget drops a root (not its files) and emits EventForgot; fault.NotFound if the home has no such root.
	Forget(ctx context.Context, r ForgetRequest, emit func(Event)) error
}

// A Node is a Service with a life. Whoever builds one owns the home's lock.
type Node interface {
	Service

	// Run listens, announces and serves until ctx ends, when it returns nil after all of that has
	// stopped. It is called at most once, and only when a verb needs the network.
	Run(ctx context.Context) error

	// Close frees what building the node took, after Run and all requests have returned.
	Close() error
}
