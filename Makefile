# Everything here needs Go and nothing else. PostgreSQL is tested too when its
# programs (initdb, postgres) are installed.
GO     ?= go
PKGS   ?= ./...
CHECKS ?= 1000
# How many tests of a package run at once: most of them wait, for a poll or a pause.
PARALLEL ?= 4
# What random histories begin with: the same number makes the same ones; 0 draws one.
SEED   ?= 1
.PHONY: help demo build test race bench vet plans nightly update clean

help: ## show what there is to make
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## run everything on simulated platforms, and say what to look at
	$(GO) run ./cmd/adbridge demo

build: ## build bin/adbridge, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/adbridge ./cmd/adbridge

test: ## run all tests, on SQLite and, where installed, PostgreSQL
	$(GO) test -parallel $(PARALLEL) -timeout 30m $(PKGS)

# Fewer random histories, and not those tests that kill or run adbridge as a
# process of its own all the time: the detector watches the process it is in.
# SQLite's own code, translated from C, is not watched: how we and its driver use
# it is, and with it the tests would take twice as long.
UNWATCHED = -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false
race: ## run the tests with the race detector, which needs a C compiler
	CGO_ENABLED=1 RAPID_CHECKS=100 $(GO) test -race $(UNWATCHED) -parallel $(PARALLEL) -skip 'Killed|Kills|TwoServers|Chaos' -timeout 30m $(PKGS)

bench: ## measure SCIM, planning, pulling and storage
	$(GO) test -run '^$$' -bench . -benchmem $(PKGS)

vet: ## look for mistakes that the compiler lets pass
	$(GO) vet $(PKGS)

plans: ## make many random plans (CHECKS=n histories from SEED=n) and print how many
	$(GO) test ./bridge -run 'TestRandomHistories' -rapid.checks=$(CHECKS) -rapid.seed=$(SEED) -timeout 60m -v

nightly: ## what takes longer: more than a million random plans that nobody saw before, longer chaos and histories, a thousand kills
	$(MAKE) plans CHECKS=75000 SEED=0
	$(GO) test ./storage -run 'TestFilters|TestPlaces|TestWhatBegins' -rapid.checks=1000 -rapid.seed=0 -timeout 60m -v
	ADBRIDGE_TEST_CHAOS=5m ADBRIDGE_TEST_KILLS=1000 $(GO) test ./cmd/adbridge -run 'Chaos|Killed|Histories' -timeout 60m -v

update: ## accept what the worlds-and-plans files and the tables in docs/ say now; read the diff
	$(GO) test ./bridge -run Plans -update
	$(GO) test ./cmd/adbridge -run Docs -update

clean: ## remove what was built
	rm -rf bin
