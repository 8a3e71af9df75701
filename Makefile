# `make run` starts Deal Queue, `make test` tests it. Steps whose inputs have not changed are skipped.
PYTHON ?= python3
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

PY := .venv/bin/python
QUIETLY := @sh deploy/quietly.sh
NPM := npm --prefix web
CODEGEN := codegen
# Folders are listed too, because their times change when a file is removed.
WEB_SOURCES := $(shell find web/src web/public 2>/dev/null) $(wildcard web/*.html web/*.ts web/*.json)
# Tests must never reach a real database or a real HubSpot account of the person who runs them.
CLEAN_ENV := env -u DATABASE_URL -u HUBSPOT_TOKEN -u HUBSPOT_BASE_URL -u API_TOKENS -u HOST -u PORT -u DATA_DIR

.PHONY: help run test soak chaos bench-sync bench-pipeline bench-burst lint format schema lock clean preflight setup setup-dev installed installed-dev python-checks web-checks

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: setup ## install, build and start everything; Ctrl-C stops it
	@exec $(PY) -m deploy.run

# `make test` compares the committed hooks; all other targets write them.
test: CODEGEN := codegen:check
test: setup-dev python-checks web-checks ## run every check and every test except the slow ones
	@chromium=$$(sh deploy/chromium.sh) && sh deploy/pgbouncer.sh >/dev/null \
		&& CHROMIUM=$$chromium $(CLEAN_ENV) $(PY) -m pytest -n 2 --dist worksteal -q \
		&& echo "All checks and tests passed." || { echo "The tests failed: see above."; exit 1; }

soak: setup-dev ## run the slow tests
	@chromium=$$(sh deploy/chromium.sh) && CHROMIUM=$$chromium $(CLEAN_ENV) $(PY) -m pytest -m soak

bench-sync: setup-dev ## measure the sync against its targets, in about three minutes (docs/performance.md)
	@$(CLEAN_ENV) $(PY) -m bench.sync

# The library that the pipeline is compared with is no dependency of ours; it gets its own environment.
bench-pipeline: setup-dev .venv-bench/.installed ## measure the pipeline against its targets, in about eight minutes
	@$(CLEAN_ENV) $(PY) -m bench.pipeline

.venv-bench/.installed:
	$(QUIETLY) "Installing DBOS Transact" sh -c "$(PY) -m venv .venv-bench && .venv-bench/bin/python -m pip install dbos==3.4.0 uvloop==0.23.0"
	@touch $@

bench-burst: setup-dev ## measure a burst of 10,000 new deals at HubSpot's limits, in about six minutes (DEALS=2000)
	@$(CLEAN_ENV) $(PY) -m bench.burst --deals $(or $(DEALS),10000)

chaos: setup-dev ## cause faults at random and check that nothing was lost (SEED=7 SECONDS=60)
	@$(CLEAN_ENV) $(PY) -m tests.chaos $(or $(SEED),7) $(or $(SECONDS),60)

lint: setup-dev python-checks ## check style, types and import contracts
	$(QUIETLY) "Web style" $(NPM) run lint
	$(QUIETLY) "Web types" $(NPM) run typecheck

format: setup-dev ## format the code
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format .
	@$(NPM) run format

schema: setup-dev ## regenerate schema/schema.graphql and the hooks after a change of the API
	@$(PY) -m schema > schema/schema.graphql.new && mv schema/schema.graphql.new schema/schema.graphql
	$(QUIETLY) "Generating the hooks" $(NPM) run codegen

lock: setup-dev ## regenerate the lock files (UPGRADE=1: with newer versions)
	$(QUIETLY) "Locking the dependencies" env UPGRADE=$(UPGRADE) sh deploy/lock.sh

clean: ## remove everything that make has created; the data folder stays
	rm -rf .venv .venv-bench web/node_modules web/dist web/dist.new .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# A second make, because preflight may remove a broken .venv whose files this one has already checked.
setup: preflight
	@$(MAKE) installed

setup-dev: preflight
	@$(MAKE) installed-dev CODEGEN=$(CODEGEN)

preflight:
	@sh deploy/preflight.sh $(PYTHON)

installed: .venv/.run-installed web/dist/index.html
	@:

installed-dev: .venv/.dev-installed web/dist/index.html
	@:

python-checks: setup-dev
	$(QUIETLY) "Python style" $(PY) -m ruff check .
	$(QUIETLY) "Python format" $(PY) -m ruff format --check .
	$(QUIETLY) "Python types" $(PY) -m mypy
	$(QUIETLY) "Import contracts" $(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

web-checks: setup-dev
	$(QUIETLY) "Web style" $(NPM) run lint
	$(QUIETLY) "Web types" $(NPM) run typecheck
	$(QUIETLY) "Generated hooks" $(NPM) run codegen:check
	$(QUIETLY) "Web lock file" $(NPM) run check-lock
	$(QUIETLY) "Web tests" $(NPM) run test
	$(QUIETLY) "Size of the page" $(NPM) run check-bundle

.venv/.run-installed: requirements.txt
	$(QUIETLY) "Installing the Python packages" sh deploy/install.sh requirements.txt
	@touch $@

.venv/.dev-installed: .venv/.run-installed requirements-dev.txt
	$(QUIETLY) "Installing the development packages" sh deploy/install.sh requirements-dev.txt
	@touch $@

web/node_modules/.installed: web/package.json web/package-lock.json
	$(QUIETLY) "Installing the web packages" $(NPM) ci --include=dev --no-audit --no-fund
	@touch $@

web/node_modules/.hooks: web/node_modules/.installed schema/schema.graphql $(wildcard web/src/queries/*.graphql web/scripts/codegen.mjs)
	$(QUIETLY) "Generating the hooks" $(NPM) run $(CODEGEN)
	@touch $@

# Built in another folder, then moved: an interrupted build leaves no half page, and a running page stays whole.
web/dist/index.html: web/node_modules/.hooks $(WEB_SOURCES)
	$(QUIETLY) "Building the page" $(NPM) run build -- --outDir dist.new --emptyOutDir
	@rm -rf web/dist && mv web/dist.new web/dist && touch $@
