# Everything here needs Go and nothing else. PostgreSQL is tested too when its
# programs (initdb, postgres) are installed.
GO     ?= go
PKGS   ?= ./...
CHECKS ?= 1000
# What random histories begin with: the same number makes the same ones; 0 draws one.
SEED   ?= 1
# The race detector needs a C compiler; without one the tests run without it.
RACE   ?= $(if $(shell command -v $${CC:-cc} 2>/dev/null),-race,)

.PHONY: help demo build test test-fast bench vet plans nightly update clean

help: ## show what there is to make
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## run everything on simulated platforms, and say what to look at
	$(GO) run ./cmd/adbridge demo

build: ## build bin/adbridge, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/adbridge ./cmd/adbridge

test: ## run all tests, on SQLite and, where installed, PostgreSQL; with the race detector where there is a C compiler
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -o bin/adbridge-test ./cmd/adbridge
	ADBRIDGE_TEST_BINARY=$(CURDIR)/bin/adbridge-test $(GO) test $(RACE) -timeout 30m $(PKGS)

test-fast: ## run all tests without the race detector
	$(GO) test $(PKGS)

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
