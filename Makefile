# mTorrent. `make help` lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=

SWIFT_BUILD := swift build -c release --static-swift-stdlib
PROGRAMS := mtorrent mtorrent-tracker

SECONDS ?= 60
SEED ?= 1
SIM ?= --scenario flash-crowd

.PHONY: build demo check test test-asan test-tsan test-ktls test-systemd fuzz sim sim-soak
.PHONY: bench bench-peer bench-tracker bench-sync bench-sealed
.PHONY: install clean hooks help
.PHONY: bootstrap bootstrap-tests bootstrap-bench

build: bootstrap ## build both programs, optimized, into .build/release
	$(SWIFT_BUILD)

demo: build ## a tracker and four peers on this machine share a 512 MiB file
	scripts/demo

test: bootstrap-tests ## all tests: unit, state machines, real programs, other clients
	scripts/test

test-asan: bootstrap-tests ## the unit tests, and some of real programs, under AddressSanitizer
	scripts/test-sanitized address

test-tsan: bootstrap-tests ## the unit tests, and some of real programs, under ThreadSanitizer
	scripts/test-sanitized thread

test-ktls: bootstrap ## kernel TLS, on the distribution's kernel under qemu
	scripts/test-ktls

test-systemd: ## the units, under systemd in a container; by hand, as root
	scripts/test-systemd

fuzz: bootstrap ## look for bytes that trap, at each entry, for SECONDS=60 together
	scripts/fuzz $(SECONDS)

sim: bootstrap ## simulate a swarm of a thousand peers, or what SIM="--scenario NAME" says
	scripts/simulate $(SIM)

sim-soak: bootstrap ## simulate small swarms with faults for SECONDS=60, from SEED=1 on
	$(SWIFT_BUILD) --product mtorrent-sim
	.build/release/mtorrent-sim --seed $(SEED) --soak $(SECONDS)

bench: bootstrap-tests build ## measure against aria2 on this machine
	swift build -c release --package-path Benchmarks
	Benchmarks/.build/release/mtorrent-bench --programs .build/release $(BENCH)

bench-peer: bootstrap-bench build ## measure the peer under load, beside other clients
	swift build -c release --package-path Benchmarks
	Benchmarks/.build/release/mtorrent-bench peer --programs .build/release $(BENCH)

bench-sealed: bootstrap-bench build ## measure serving over TLS beside serving without, and removals
	swift build -c release --package-path Benchmarks
	Benchmarks/.build/release/mtorrent-bench peer --programs .build/release --size 512 --leechers 1,50,500 seal
	Benchmarks/removals.py .build/release

bench-tracker: bootstrap-bench build ## measure the tracker under load, beside opentracker
	swift build -c release --package-path Benchmarks
	Benchmarks/.build/release/mtorrent-bench tracker --programs .build/release $(BENCH)

bench-sync: bootstrap-bench bootstrap-tests build ## measure trackers of one network, with each store
	swift build -c release --package-path Benchmarks
	Benchmarks/synchronized.py .build/release Benchmarks/.build/release $(BENCH)

check: bootstrap ## the gate: format, imports between targets, warnings, scripts
	scripts/check

# Under sudo the toolchain is often not on the path: then what is built already is installed.
install: ## install into $(DESTDIR)$(PREFIX)/bin, with systemd's units
	@if command -v swift >/dev/null || ! [ -x .build/release/mtorrent ]; then $(MAKE) build; fi
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 755 $(PROGRAMS:%=.build/release/%) "$(DESTDIR)$(PREFIX)/bin"
	install -d "$(DESTDIR)$(PREFIX)/lib/systemd/system"
	for unit in $(PROGRAMS); do \
	    sed 's|/usr/local/bin|$(PREFIX)/bin|' systemd/$$unit.service \
	        >"$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit.service"; \
	done

clean: ## remove everything that was built
	swift package clean
	rm -rf .build Benchmarks/.build Fuzzing/.build

hooks: ## run the fast part of the gate before each commit
	git config core.hooksPath .githooks

bootstrap:
	@scripts/bootstrap

bootstrap-tests:
	@scripts/bootstrap --tests

bootstrap-bench:
	@scripts/bootstrap --bench

help:
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | \
	    awk -F ':[^#]*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'
