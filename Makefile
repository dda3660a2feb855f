# Everything here works on a fresh machine that has Go and make.
FUZZTIME ?= 5s

.PHONY: build test packages lint fuzz gotest release bench bench-swarm bench-overlays
.NOTPARALLEL:

build: # the peer binary, for this machine
	go build -ldflags "-X main.version=$$(git describe --tags --always --dirty)" -o peer ./cmd/peer

test: packages lint fuzz gotest # everything that must pass

packages: # what the tests need beside Go
	@.ci/packages

lint: # gofmt, vet, staticcheck
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	go vet ./...
	go tool staticcheck ./...

fuzz: # every fuzz target for FUZZTIME
	@.ci/fuzz $(FUZZTIME)

gotest: # all tests, with the race detector where there is a C compiler
	go test $$(command -v gcc >/dev/null && echo -race) -timeout 20m ./...

release: # dist/: binaries for every system, and their sums
	@.ci/release

bench: # the figures of docs/performance.md
	go run ./bench all

bench-swarm: # whole swarms of real peers beside one plain copy: as root, a quarter of an hour
	go run ./bench/swarm all

bench-overlays: # the overlays beside the papers, all seeds, full size: the tables of docs/discovery.md, in an hour or so
	@.ci/papers ./discovery/...
