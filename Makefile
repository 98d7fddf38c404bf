# `make test` is the one command that passes every test; `make help` lists the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help
# Every step keeps both cores busy, and all share one target folder.
.NOTPARALLEL:
.PHONY: help test needs fmt clippy doc venv template unit openapi cloudevents kong bench-check e2e deny release simulate bench chaos fuzz

TOOLCHAIN := $(shell sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
TOOLS := target/tools
CARGO_DENY_VERSION := 0.20.2

# Tests that run the programs of docs/ are on here; plain `cargo test` skips them and says so.
export EVENT_HOOKS_TEST_LANGUAGES ?= 1

help: ## List the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

test: needs fmt clippy doc venv template unit openapi cloudevents kong bench-check e2e deny ## Check everything, as CI does
	@echo "all passed"

# $(call need,command,what it is for and where it comes from)
need = @command -v $(1) >/dev/null || { echo "missing: $(1), $(2)" >&2; exit 1; }
# $(call want,command,what is skipped without it)
want = @command -v $(1) >/dev/null || echo "skipped: $(2), for there is no $(1)"

needs: ## Say what is missing on this machine
	$(call need,cargo,the Rust toolchain: https://rustup.rs)
	$(call need,$(firstword $(CC)),the C compiler that builds SQLite and ring: apt-get install build-essential)
	$(call need,$(firstword $(CXX)),the C++ compiler: apt-get install build-essential)
	@rustc --version | grep -qF 'rustc $(TOOLCHAIN) ' || { \
	  echo "missing: rustc $(TOOLCHAIN), as rust-toolchain.toml says: rustup toolchain install $(TOOLCHAIN)" >&2; exit 1; }
	@cargo fmt --version >/dev/null && cargo clippy --version >/dev/null || { \
	  echo "missing: rustfmt or clippy: rustup component add rustfmt clippy" >&2; exit 1; }
	$(call want,python3,the Python program of docs/verify.md; the search for secrets in the data folder; AWS; OpenAPI; CloudEvents; the plugin for Kong)
	$(call want,node,the Node program of docs/verify.md)
	$(call want,go,the Go program of docs/verify.md)
	$(call want,openssl,the shell program of docs/verify.md)
	$(call want,curl,the commands of README.md and of the reference documents)
	$(call want,jq,the commands of docs/migrate-from-kong.md)
	$(call want,luacheck,the lint of the plugin for Kong: apt-get install lua-check)
	$(call want,javac,the suites of DynamoDB: apt-get install default-jdk-headless)
	$(call want,npm,the suites of DynamoDB that npm has the server for)
	$(call want,valgrind,the counts of the hot path: apt-get install valgrind)
	$(call want,prlimit,the story of a disk without room: apt-get install util-linux)

fmt: ## Check the formatting
	cargo fmt --all --check

clippy: ## Lint, with every warning an error
	cargo clippy --workspace --all-targets --locked -- -D warnings

# There are no examples. To ask for them has dependencies checked with the features that tests have
# them with, as clippy did, and not all once more.
doc: ## Build the documentation, private items too, with every warning an error
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked \
	  --lib --bins --examples

# $(call install,requirements,what is skipped without it). What is there is not asked for again.
install = cmp -s $(1) .venv/$(subst /,-,$(1)) || { .venv/bin/pip install --quiet --disable-pip-version-check \
	  --no-deps --require-hashes --only-binary :all: -r $(1) && cp $(1) .venv/$(subst /,-,$(1)); } \
	  || echo "skipped: $(2), for $(1) could not be installed"

venv: ## Install what some tests ask for besides, pinned by hash, into .venv
	@command -v python3 >/dev/null || exit 0; \
	test -x .venv/bin/python || python3 -m venv .venv || { echo "skipped: .venv, for python3 cannot make one"; exit 0; }; \
	$(call install,tests/requirements.txt,HTTPie's commands of the reference documents); \
	$(call install,tests/openapi/requirements.txt,what asks all that is in /openapi.json); \
	$(call install,gateways/kong/spec/requirements.txt,the tests of the plugin for Kong); \
	$(call install,tests/cloudevents/requirements.txt,the official SDK of CloudEvents); \
	$(call install,tests/aws/requirements.txt,what needs SAM or a server that plays AWS); \
	$(call install,tests/deny/requirements.txt,cargo-deny as it is built elsewhere)

template: venv ## Check template.yaml, and what it nests
	@test -x .venv/bin/sam || { echo "skipped: sam validate, for there is no .venv/bin/sam"; exit 0; }; set -x; \
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 .venv/bin/sam validate --lint && \
	.venv/bin/cfn-lint --regions us-east-1 -- infra/*.yaml

# The stories run the binary. It is built before them, so that none of them waits for a compiler.
# The adapters' suites ask DynamoDB Local and ministack, which run for as long as the tests do.
unit: venv ## Run all tests
	cargo build --package local --locked
	cargo test --workspace --doc --locked
	@with=; command -v python3 >/dev/null && with="python3 tests/aws/servers.py --" \
	  || echo "skipped: the adapters' suites, for there is no python3"; \
	if cargo nextest --version >/dev/null 2>&1; then set -x; \
	  $$with cargo nextest run --workspace --locked; \
	else set -x; \
	  $$with cargo test --workspace --lib --bins --tests --locked; \
	fi

openapi: venv ## Ask the local binary all that GET /openapi.json says, and judge what it answers
	@test -x .venv/bin/schemathesis || { echo "skipped: openapi, for there is no .venv/bin/schemathesis"; exit 0; }; set -x; \
	cargo build --package local --locked && .venv/bin/python tests/openapi/run.py

kong: venv ## Run the tests of the plugin for Kong, which post to the local binary
	@.venv/bin/python -c 'import lupa' 2>/dev/null || { echo "skipped: kong, for there is no lupa in .venv"; exit 0; }; set -x; \
	cargo build --package local --locked && \
	.venv/bin/python -B -m unittest discover --start-directory gateways/kong/spec

cloudevents: venv ## Post with the official SDK of CloudEvents, and read with it what webhooks get
	@.venv/bin/python -c 'import cloudevents' 2>/dev/null || { echo "skipped: cloudevents, for its SDK is not in .venv"; exit 0; }; set -x; \
	cargo build --package local --locked && \
	.venv/bin/python -B -m unittest discover --start-directory tests/cloudevents

# Of what tests are built with, all but our own part of the hot path is counted as it is: that is
# built again, optimised.
bench-check: ## Count the instructions of the hot path; with STORE=1, keep the counts as the baseline
	@command -v valgrind >/dev/null || { echo "skipped: bench-check, for there is no valgrind"; exit 0; }; set -x; \
	cargo bench --profile dev --config bench/counts/profile.toml --workspace --bench counts --locked \
	  $(if $(STORE),-- --store)

# With STACK, against a stack that was deployed to AWS before; with ENDPOINT, on a server that plays AWS
# and runs already. tests/aws/README.md says what both need.
e2e: venv ## Build, deploy to a server that plays AWS, run the stories there, delete
	@test -x .venv/bin/python || { echo "skipped: end to end, for there is no .venv"; exit 0; }; set -x; \
	.venv/bin/python tests/aws/e2e.py $(if $(STACK),--stack $(STACK)) $(if $(ENDPOINT),--endpoint $(ENDPOINT))

# Takes some minutes: everything is built with all optimisations. infra/release.sh says what comes of it.
ARCHITECTURES ?= arm64 x86_64
release: venv ## Build the local binary and the zips of the functions, with checksums and an SBOM
	ARCHITECTURES="$(ARCHITECTURES)" infra/release.sh

# Eight minutes, and before that twenty of building, on 2 processors: what is measured is built by
# itself, as it is shipped, for to build others with it may give it what they need.
bench: venv ## Measure, and write docs/benchmarks.md
	cargo build --release --locked --package local
	PATH="$(CURDIR)/.venv/bin:$$PATH" cargo lambda build --release --locked --skip-target-check \
	  $(if $(filter aarch64 arm64,$(shell uname -m)),--arm64,--x86-64) \
	  --package ingest-function --package admin-function --package dispatcher-function
	cargo build --release --locked --package bench --package bench-functions
	cargo bench --locked --package handlers --bench template --bench sandbox
	cargo bench --locked --package bench --bench gate
	target/release/bench all
	target/release/functions
	target/release/bench report

# Without a SEED there is a new one each time, which is printed.
KILLS ?= 50
chaos: ## Kill the process KILLS times under load, at the moments of SEED, and count what is lost
	cargo build --package local --locked
	EVENT_HOOKS_TEST_KILLS=$(KILLS) EVENT_HOOKS_TEST_SEED=$(SEED) \
	  cargo test --package e2e --test stories --locked -- --nocapture killing::

# Needs a nightly toolchain and `cargo install cargo-fuzz`. What is found worth keeping goes into the
# corpus, which every test run tries again.
SECONDS_TO_FUZZ ?= 600
fuzz: ## Look for templates that break a promise, for SECONDS_TO_FUZZ
	cd fuzz && cargo +nightly fuzz run template -- -max_total_time=$(SECONDS_TO_FUZZ) -max_len=4096

# Where nobody has built cargo-deny for a machine, this does, which takes some minutes the first time.
# Its advisories need the network and change by the day: `cargo deny check advisories` asks them.
deny: venv ## Check licences, bans and sources of all dependencies
	@is_there() { "$$1" --version 2>/dev/null | grep -qx 'cargo-deny $(CARGO_DENY_VERSION)'; }; \
	install() { CARGO_TARGET_DIR=$(TOOLS)/build cargo install cargo-deny --locked --debug --force \
	  --version $(CARGO_DENY_VERSION) --root $(TOOLS) && rm -rf $(TOOLS)/build; }; \
	for deny in cargo-deny .venv/bin/cargo-deny $(TOOLS)/bin/cargo-deny; do is_there $$deny && break; done; \
	is_there $$deny || install || exit 1; \
	set -x; $$deny check bans licenses sources
	@echo "skipped: advisories, for they need the network and change by the day"

SEEDS ?= 100000

# What every test run does with fewer seeds. One that fails says how it is run again.
simulate: ## Simulate a world where everything goes wrong, for SEEDS seeds
	cargo run --release --locked --package simulation --bin simulate -- --seeds $(SEEDS)
