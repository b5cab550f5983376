# Hutong. Every target works from a fresh clone: it sets up what it needs in .venv of this checkout, without root.
# 每个命令都可在新克隆的目录里直接运行：所需的一切装在本目录的 .venv 中，不需要 root。

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Set in many container images. A hub reads 1,500 modules: without their bytecode each start compiles for two seconds.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
INPUTS := locks/run.lock locks/dev.lock locks/tools.lock locks/node.lock pyproject.toml package.json package-lock.json \
          .npmrc tools/set-up tools/bootstrap.py tools/assets.py
BENCHES := links payments ledger shops live analytics load

# A checkout that was moved, whose Python went away or whose assets were removed is set up again whatever the stamps say.
SOUND := $(shell $(BIN)/python -c '' 2>/dev/null && grep -qF '$(CURDIR)/.venv' $(BIN)/activate 2>/dev/null && echo yes)
ifneq ($(SOUND)$(wildcard src/hutong/web/static/assets/assets.json),yessrc/hutong/web/static/assets/assets.json)
AGAIN := FORCE
endif

.PHONY: help run test lint format bench screenshots docs lock setup setup-dev clean clean-all FORCE

help: ## This list
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

run: setup ## Hub, sandbox and a simulated trading day; prints "ready {…}", Ctrl-C stops all 一键试用
	@exec $(BIN)/hutong demo $(ARGS)

test: setup-dev ## Everything that must hold: style, types, import floors, laws, all tests
	@exec $(BIN)/python tools/check.py test $(ARGS)

lint: setup-dev ## The part of `make test` that runs no program: style, types, import floors, laws
	@exec $(BIN)/python tools/check.py lint

format: setup-dev ## Bring the code into the one style
	@$(BIN)/ruff check --fix --exit-zero --quiet . && $(BIN)/ruff format .

bench: setup-dev ## All benchmarks; one JSON object a line on standard output
	@exec $(BIN)/python tools/bench.py $(BENCHES)

bench-%: setup-dev FORCE ## One benchmark: links payments ledger shops live analytics load
	@exec $(BIN)/python tools/bench.py $*

proof-%: setup-dev FORCE ## One long proof, as bench/proof_NAME.py
	@exec $(BIN)/python tools/bench.py proof_$*

screenshots: setup-dev ## Pictures of the console for the README, from a running demo (needs Chromium)
	@exec $(BIN)/python tools/screenshots.py $(ARGS)

docs: setup-dev ## Write the reference pages anew from the code (docs/reference)
	@exec $(BIN)/python tools/reference.py

lock: setup-dev ## Resolve the dependencies anew: locks/*.lock, with hashes and without any address
	@tools/relock $(ARGS)

setup: .venv/.setup-run ## Only the set-up of `make run`

setup-dev: .venv/.setup-dev ## Only the set-up of `make test`

.venv/.setup-run: $(INPUTS) $(AGAIN)
	@tools/set-up run

.venv/.setup-dev: $(INPUTS) $(AGAIN)
	@tools/set-up dev

clean: ## Remove caches and build results
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

clean-all: clean ## Also remove everything that set-up made (.venv, node_modules, assets)
	rm -rf .venv .venv-* node_modules .cache src/hutong/web/static/assets

FORCE:
