# Gatepost. Every target does the set-up it needs; what it installs with apt it says first.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
CARGO ?= cargo

.PHONY: run test check bench lab help

help: ## What can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/'

run: ## Build and start the demo on 127.0.0.1 (SMTP 2525)
	@scripts/need build
	$(CARGO) build --release --locked --bin gatepost
	exec target/release/gatepost serve --demo

test: ## Install what the tests need, then run them all
	@scripts/need build tests
	scripts/test

check: ## Format, lints, unit tests
	@scripts/need build
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) test --workspace --lib --bins --locked

bench: ## Benchmarks beside the peers, written to bench/*.md; PARTS="gateway accuracy pages health search" chooses
	@scripts/need build bench
	bench/run $(PARTS)

lab: ## All scenarios of the fault lab, written to bench/DIAGNOSIS.md
	@scripts/need build tests
	GATEPOST_LAB=all $(CARGO) test --workspace --locked --test it -- lab:: --nocapture
