GO            ?= go
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME      ?= 5000x
# How often test-hard runs the tests.
N             ?= 1
# How long the tests of a package may take: waits for facts go on until shortly before.
TIMEOUT       ?= 25m
TESTFLAGS     ?=
HOSTILETIME   ?= 1h
# What tests run that Go does not bring.
TOOLS         := redis-server promtool prometheus systemd-analyze curl python3 node
# Everything but the race detector does without cgo, as the programs ship: it shares
# what the compiler made. go vet goes over all packages once, before the tests, and shares
# what is compiled for them.
export CGO_ENABLED := 0
# Without the clone's path in it, what was built once is found again from another clone.
export GOFLAGS := $(shell $(GO) env GOFLAGS) -trimpath
# Servers and clocks are no inputs that the cache of test results knows of: -count=1.
# Nobody debugs these programs: they are linked quicker without what debuggers need.
# Most tests wait for servers: four packages, and four tests of each, run at once, also
# on two processors.
PARALLEL      := $(shell n=$$(getconf _NPROCESSORS_ONLN); [ "$$n" -gt 4 ] || n=4; echo $$n)
RACE          := CGO_ENABLED=1 $(GO) test -race -vet=off -count=1 -ldflags=-w -p $(PARALLEL) -parallel $(PARALLEL) $(TESTFLAGS)
# The tests of these wait the longest: they come first, so that others fill the time.
SLOW          := ./worker ./scheduler ./internal/lock ./internal/jobs ./test/chaos ./internal/redis

.DEFAULT_GOAL := help
.PHONY: help build demo release test-release test stopwatch test-hard check lint fuzz bench bench-peers bench-page bench-scale bench-flows large test-daemons test-browser webhooks chaos chaos-smoke chaos-soak outbox outbox-smoke mutants hostile check-deploy clean redis tools databases

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the programs into bin/
	$(GO) build -o bin/ ./cmd/...

demo: build ## run the main job on real files: two workers, two schedulers, one of each killed
	bin/drayhorse demo

release: ## VERSION in dist/: archives, SBOMs, deb and rpm packages, checksums
	@.ci/release.sh "$(VERSION)"

test-release: ## make a release of this platform twice, and look at all of it: installed, run, removed
	@test/install.sh dpkg-deb rpm systemd-analyze
	$(GO) test -vet=off -count=1 -timeout $(TIMEOUT) $(TESTFLAGS) ./test/release

test: tools ## everything that CI runs: vet, all tests with -race, a smoke of the faults and benchmarks
	@test -z "$$(gofmt -l .)" || { echo "gofmt:"; gofmt -l .; exit 1; }
	CGO_ENABLED=1 $(GO) vet -race ./...
	$(RACE) -timeout $(TIMEOUT) $(SLOW) $$($(GO) list ./... | grep -v /test/)
	cd deploy/check && $(GO) test -vet=off $(TESTFLAGS) ./...
	$(GO) test -vet=off -count=1 -timeout $(TIMEOUT) -skip TestReadmeRuns $(TESTFLAGS) ./test/docs ./test/large
	$(GO) test -vet=off -count=1 -timeout $(TIMEOUT) -run TestUsersMayDoWhatTheirScriptsDo $(TESTFLAGS) ./test/daemons
	cd bench && $(GO) test $(TESTFLAGS) ./... && $(GO) run . -systems drayhorse,bare -conditions near -jobs 2000 -repeats 1 -probes 10

stopwatch: ## do what the README says, in an empty directory, in less than two minutes
	$(GO) test -v -vet=off -count=1 ./test/docs -run TestReadmeRuns -args -stopwatch 2m

test-hard: tools ## the same N times beside busy loops, until the first red, with a table of the slowest tests
	@test/hard.sh $(N)

check: lint ## what is asked of the code before it is committed, but for the tests
	@test -z "$$(gofmt -l .)" || { echo "gofmt:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	cd deploy/check && $(GO) vet ./...
	cd outbox/outboxpgx && $(GO) vet ./...
	cd outbox/check && $(GO) vet ./...
	cd test/browser && $(GO) vet ./...
	cd bench && $(GO) vet ./...
	$(GO) mod verify

lint: ## golangci-lint, at the version that the project pins
	$(GO) run $(GOLANGCI_LINT) run ./...

fuzz: ## run every fuzz target for FUZZTIME, so many times or so long
	@GO="$(GO)" FUZZTIME=$(FUZZTIME) .ci/fuzz.sh

bench: redis ## speed, latency and memory, beside a bare loop of the same scripts
	cd bench && $(GO) run . -systems drayhorse,bare -conditions near

bench-peers: redis ## all peers side by side, about half an hour: writes docs/benchmarks
	cd bench && $(GO) run . -out ../docs/benchmarks

bench-page: ## write the page and plots of docs/benchmarks again from the recorded figures; measures nothing
	cd bench && $(GO) run . -from ../docs/benchmarks

bench-scale: redis ## how costs grow with backlog, processes, queues and more, a quarter of an hour or more: writes docs/benchmarks
	cd bench && $(GO) run . -curves all -out ../docs/benchmarks

bench-flows: redis ## speed of flows and batches: the next step of a chain, a graph, many flows, members
	cd producer && $(GO) test -vet=off -run XXX -bench "Hop|Graph|Flows|Members" -benchtime 5x .

large: redis ## pages, filters and actions over 12 million jobs, groups of a million, with bounds on their time: takes 6 GB of memory
	$(GO) test -vet=off -count=1 -v -timeout 1h ./test/large -args -waiting 10000000 -retryable 1000000 -discarded 1000000 -repeats 200 -in-front 1000000 -groups 50000 -bounds

chaos: redis ## every fault of the matrix in docs/reliability.md, then schedulers under faults for a minute
	$(GO) test -v -timeout 1h ./test/chaos -run TestMatrix -row all
	$(RACE) -timeout 15m -v ./scheduler -run 'Fleet' -args -chaos.schedules 200 -chaos.time 60s
	$(GO) test -timeout 15m -v ./scheduler -run 'Scale' -args -scale.schedules 100000
	$(RACE) -timeout 15m -tags chaos -run TestClockJumps ./internal/lock ./scheduler

chaos-smoke: redis ## what make test runs of it, by itself
	$(RACE) -timeout $(TIMEOUT) ./test/chaos

outbox: databases ## the outbox on PostgreSQL, MariaDB and SQLite, with -race; then 100,000 transactions each while relays and Redis are killed
	cd outbox/check && $(RACE) -timeout 30m ./...
	cd outbox/check && $(GO) test -vet=off -count=1 -timeout 1h -v -run 'TestChaos|TestARing' ./... -args -outbox.transactions 100000 -outbox.commits 2000 -outbox.p50 5ms

outbox-smoke: databases ## the same with few transactions, a minute
	cd outbox/outboxpgx && $(GO) vet ./... && $(GO) test -vet=off $(TESTFLAGS) ./...
	cd outbox/check && $(GO) vet ./... && $(GO) test -vet=off -count=1 -timeout $(TIMEOUT) $(TESTFLAGS) ./...

mutants: redis ## break each rule of the scripts on purpose: the randomized test must notice, and take each step of the table
	$(RACE) -timeout 30m -run 'TestModelNoticesMutants|TestModelWithJumpingClock' ./internal/jobs -args -mutants
	$(RACE) -timeout 30m -run TestBatchesModelNoticesMutants ./internal/flows -args -mutants
	$(RACE) -timeout 30m -run TestSharesModelNoticesMutants ./internal/limits -args -mutants

test-daemons: redis ## the daemons as processes: webhooks, import, each kind of Redis, least privilege
	$(RACE) -timeout 10m ./test/daemons

test-browser: redis ## the dashboard in chromium: every page and action, at two sizes, light and dark
	@test/install.sh chromium node npm
	cd test/browser && npm ci --silent --no-audit --no-fund --ignore-scripts
	cd test/browser && $(GO) vet ./... && $(GO) test -vet=off -count=1 -timeout $(TIMEOUT) $(TESTFLAGS) ./...

webhooks: redis ## 10,000 webhooks to a server with every bad manner
	$(GO) test -v -timeout 10m -run Webhook ./test/daemons -args -webhooks 10000

hostile: redis ## a token that does all it can to producer serve for HOSTILETIME, while another works
	$(GO) test -v -timeout 3h ./internal/cli/produce -run TestAHostileHour -args -hostile.time $(HOSTILETIME) -hostile.p99 100ms

chaos-soak: redis ## random faults for half an hour
	$(GO) test -v -timeout 1h ./test/chaos -run TestSoak -soak 30m

check-deploy: tools ## deploy/: alerts, units, settings and programs; manifests and compose file against their schemas
	$(RACE) -timeout 10m ./deploy
	cd deploy/check && $(GO) test -vet=off ./...

clean: ## remove what the other targets made
	rm -rf bin dist

# What is missing is installed, where that is possible.
redis:
	@test/install.sh redis-server

tools:
	@test/install.sh $(TOOLS)

databases: redis
	@test/install.sh postgres mariadbd
