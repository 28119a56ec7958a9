# Everything here needs Go and nothing else. PostgreSQL is tested too when its
# programs (initdb, postgres) are installed.
GO     ?= go
PKGS   ?= ./...
CHECKS ?= 100

.PHONY: help demo build test test-fast bench vet fuzz plans update clean

help: ## show what there is to make
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## run everything on simulated platforms, and say what to look at
	$(GO) run ./cmd/adbridge demo

build: ## build bin/adbridge, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/adbridge ./cmd/adbridge

test: ## run all tests with the race detector, on SQLite and, where installed, PostgreSQL
	$(GO) test -race $(PKGS)

test-fast: ## run all tests without the race detector
	$(GO) test $(PKGS)

bench: ## measure SCIM, planning, pulling and storage
	$(GO) test -run '^$$' -bench . -benchmem $(PKGS)

vet: ## look for mistakes that the compiler lets pass
	$(GO) vet $(PKGS)

plans: ## make many random plans (CHECKS=n each property) and print how many
	$(GO) test ./bridge/... -run Property -rapid.checks=$(CHECKS) -v

update: ## accept what the worlds-and-plans files say now; read the diff
	$(GO) test ./bridge -run Plans -update

clean: ## remove what was built
	rm -rf bin
