# Two commands do everything: `make run` and `make test`. The others are parts of them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
DEMO_ARGS ?=
BENCH_ARGS ?=

.PHONY: help run test build web lint unit web-test e2e tools openapi new-connector audit bench

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

run: build ## build everything and start the demo: sample shops inside, no keys, no network
	$(CARGO_TARGET_DIR)/release/wharf demo $(DEMO_ARGS)

test: tools lint unit web-test ## Rust on both engines, web types and units, and that the application builds
	@echo "make test: all parts passed"

build: web ## target/release/wharf with the web application inside
	cargo build --release --locked -p wharf-server
	@if [ "$(CARGO_TARGET_DIR)" != "$(CURDIR)/target" ]; then mkdir -p target/release && cp $(CARGO_TARGET_DIR)/release/wharf target/release/wharf; fi

web: web/dist/index.html ## the web application

web/node_modules/.installed: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	touch $@

web/dist/index.html: web/node_modules/.installed web/index.html web/vite.config.ts web/openapi.json $(shell find web/src web/public -type f 2>/dev/null)
	cd web && npm run --silent build
	touch $@

tools: ## PostgreSQL and Chromium for the tests, from Debian's packages, when they are missing
	scripts/ensure-tools postgresql chromium

lint: ## formatting and clippy, warnings are errors
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

unit: tools ## Rust tests, on SQLite and on a throwaway PostgreSQL
	cargo test --workspace --locked

web-test: web ## web types, unit tests, and the build
	cd web && npm run --silent check && npm run --silent test

e2e: tools web ## the real program in a real browser
	cargo build --locked -p wharf-server
	cd web && WHARF_BIN=$(CARGO_TARGET_DIR)/debug/wharf npm run --silent e2e

openapi: ## regenerate web/openapi.json and the client from it
	cargo run --locked -p wharf-server -- openapi > web/openapi.json.new && mv web/openapi.json.new web/openapi.json
	cd web && npm run --silent api:generate

bench: ## measure against the bare limit of the database, ten minutes; writes bench/RESULTS.md
	cargo run --release --locked -p wharf-bench -- --folder $(CARGO_TARGET_DIR)/bench $(BENCH_ARGS)

new-connector: ## NAME=acme: a new vendor folder from the smallest one
	scripts/new-connector $(NAME)

audit: ## licences, advisories, unused dependencies (needs cargo-deny and cargo-machete)
	cargo deny check
	cargo machete
