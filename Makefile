.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:
# Compiling all that the tests import takes each process ten seconds: once is enough.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
UV_VERSION := 0.13.8
# uv from PATH when there is one, else a private copy that pip installs.
UV = $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
# With the Python at $$python.
bring_uv = if [ ! -x "$(UV)" ]; then "$$python" -m venv .tools && .tools/bin/python -m pip install -q uv==$(UV_VERSION); fi
STAMP := .venv/.synced
CLIENTS := .tools/clients
BROWSER := .tools/browser
DOCS := .tools/docs

.PHONY: help setup hooks run check test test-long test-litellm test-properties test-lambda test-clients test-faults test-fleet test-openapi test-stack unit fmt lint types arch lock openapi docs test-documents prices clean validate conformance
.PHONY: deploy versions build build-here build-other size sam-local test-docker test-browser pictures charts mutants
# Tests take all processors by themselves, and builds share .aws-sam.
.NOTPARALLEL:

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements/dev.txt layers/gateway_core/pyproject.toml
	@echo "Setting up .venv, as $< asks: once, about half a minute."
	@python=$$(scripts/find_python.sh) && \
	$(bring_uv) && \
	$(UV) venv -q --allow-existing --python "$$python" .venv && \
	$(UV) pip sync -q --require-hashes --python $(BIN)/python requirements/dev.txt && \
	$(UV) pip install -q --no-deps --no-build-isolation --python $(BIN)/python -e layers/gateway_core
	@touch $@

# Frameworks with versions of their own; the tests start programs with them and import none.
$(CLIENTS)/.synced: requirements/clients.txt | $(STAMP)
	@python=$(BIN)/python && $(bring_uv) && \
	$(UV) venv -q --allow-existing --python "$$python" $(CLIENTS) && \
	$(UV) pip sync -q --require-hashes --python $(CLIENTS)/bin/python requirements/clients.txt
	@touch $@

$(BROWSER)/.synced: requirements/browser.txt | $(STAMP)
	@python=$(BIN)/python && $(bring_uv) && \
	$(UV) venv -q --allow-existing --python "$$python" $(BROWSER) && \
	$(UV) pip sync -q --require-hashes --python $(BROWSER)/bin/python requirements/browser.txt
	@touch $@

$(DOCS)/.synced: requirements/docs.txt | $(STAMP)
	@python=$(BIN)/python && $(bring_uv) && \
	$(UV) venv -q --allow-existing --python "$$python" $(DOCS) && \
	$(UV) pip sync -q --require-hashes --python $(DOCS)/bin/python requirements/docs.txt
	@touch $@

setup: $(STAMP) ## Set up .venv, as all the others do by themselves

hooks: $(STAMP) ## Let git check each commit by .pre-commit-config.yaml
	$(BIN)/pre-commit install

run: $(STAMP) ## Start the gateway and all that it needs on this machine, with the variables in .env
	@exec $(BIN)/python -m local $(if $(wildcard .env),--env-file .env)

check: $(STAMP) ## Run the tests of one file or one test: FILE=path[::test] [K=words of their names] [ARGS=options of pytest]
	$(BIN)/python -m pytest -q $(if $(K),-k '$(K)') $(ARGS) '$(or $(FILE),$(error FILE is to name a file of tests))'

test: $(STAMP) ## Lint, types, import rules and all fast tests [MEASURED=yes: and that they cover the code]
	@$(MAKE) --no-print-directory lint types arch unit

# Without what nobody uses and each test pays for: to capture files as well takes a tenth of a millisecond a step, and
# the packages of plugins that load by themselves are compiled as tests are, with all that they show of an assertion.
QUICK = -q -p no:cacheprovider --disable-plugin-autoload -p asyncio -p timeout -p hypothesispytest -p xdist --capture=sys

unit: $(STAMP)
	$(if $(MEASURED),$(BIN)/coverage erase)
	$(BIN)/$(if $(MEASURED),coverage run,python) -m pytest $(QUICK) $(if $(MEASURED),,--assert=plain) --shares=2 -m 'not litellm and not long' $(addprefix --ignore=,$(SLOW) $(FAULTS) $(FLEET) $(MATRICES) $(STACK))
	$(if $(MEASURED),$(BIN)/coverage combine -q)
	$(if $(MEASURED),$(BIN)/coverage report --fail-under=90)
	$(if $(MEASURED),$(BIN)/coverage report --fail-under=100 --include='$(PURE)')

test-long: $(STAMP) ## Run what make test leaves out: it takes seconds each, and make test has others of its kind
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m 'long and not litellm' tests/contract tests/functions tests/local tests/template tests/unit

test-litellm: $(STAMP) ## Run what holds for every way to a model, over wires of our own and through LiteLLM's translation
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m 'litellm or matrix' tests/contract tests/wires tests/e2e/test_events.py

test-properties: $(STAMP) ## Look for what breaks a property, among many more examples that are new each time
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup --timeout=3600 --hypothesis-profile=free -m hypothesis tests/unit tests/contract tests/local tests/lambda_runtime

# A suite of which .ci/run has a part and .ci/long the other is split by PART=brief|long; without, all of it runs.
part = $(if $(filter-out brief long,$(PART)),$(error PART is brief or long),$(if $(PART),$(if $(filter brief,$(PART)),not )long))
marked = $(if $(PART)$(1),-m '$(part)$(if $(PART),$(if $(1), and ))$(1)')

test-lambda: $(STAMP) ## Run the functions under Lambda's real runtime, emulated around it
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup tests/lambda_runtime

test-clients: $(STAMP) $(CLIENTS)/.synced ## Run SDKs and frameworks for Python and Node against the stack (Node's need npm)
	$(BIN)/python -m pytest -q $(call marked) tests/clients

test-openapi: $(STAMP) $(DOCS)/.synced ## Ask the stack all that openapi.json allows, and what it forbids: [ARGS=all]
	$(BIN)/python -m tests.openapi $(DOCS)/bin/schemathesis $(ARGS)

test-faults: $(STAMP) ## Let every candidate have every fault, and the store tell every lie, however it is asked
	$(BIN)/python -m pytest -q -n 3 --dist loadgroup $(FAULTS)

test-fleet: $(STAMP) ## Run fleets of processes over one store, with faults and a death
	$(BIN)/python -m pytest -q $(call marked) $(FLEET)

test-stack: $(STAMP) ## Run the local stack: every door, the README, crowds, outages, callers who leave, the smoke test
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup $(call marked,not litellm) $(STACK)

mutants: $(STAMP) ## Break the core in 420 places, one at a time, and count what no test notices
	$(BIN)/python -m scripts.mutants

SLOW := tests/browser tests/built tests/clients tests/docker tests/documents tests/lambda_runtime tests/sam_local
FAULTS := tests/faults tests/contract/test_lying_store.py
FLEET := tests/fleet tests/contract/test_store_fleet_rates.py
MATRICES := tests/wires $(wildcard tests/contract/test_litellm*.py)
STACK := $(filter-out tests/e2e/test_newcomer.py,$(wildcard tests/e2e/test_*.py))
PURE := */gateway_core/domain/*,*/gateway_core/routing/*,*/gateway_core/store/*,*/gateway_core/wires/*

fmt: $(STAMP) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(STAMP) ## Check style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(STAMP) ## Check types
	$(BIN)/mypy

arch: $(STAMP) ## Check the import rules, and count rooms, floors and arrows
	$(BIN)/lint-imports --no-cache
	@$(BIN)/python scripts/rooms.py

validate: $(STAMP) ## Check the SAM template, and what CloudFormation gets
	SAM_CLI_TELEMETRY=0 AWS_EC2_METADATA_DISABLED=true AWS_DEFAULT_REGION=eu-central-1 $(BIN)/sam validate --lint
	@$(BIN)/python -m scripts.lint_template $(if $(filter brief,$(PART)),Stage=prod)

MACHINE := $(if $(filter x86_64,$(shell uname -m)),x86_64,arm64)
OTHER := $(if $(filter x86_64,$(MACHINE)),arm64,x86_64)
# Where scripts/build.sh builds: a plain `sam deploy` takes .aws-sam/build, and sends it for arm64.
folder_of = .aws-sam/$(if $(filter arm64,$(1)),build,$(1))
# $(call check_built,ARCHITECTURE,FOLDER[,OPTIONS])
check_built = GATEWAY_BUILD=$(CURDIR)/$(2) GATEWAY_BUILD_ARCHITECTURE=$(1) \
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/built $(3)

build: build-other build-here ## Build what is deployed, for both processors, and run what was built for this one
	@$(call check_built,$(MACHINE),$(call folder_of,$(MACHINE)))

# However many targets need it, once a run. One build takes the packages by uv and the other by pip: both are to work.
build-here: $(STAMP)
	@UV="$(wildcard $(abspath $(UV)))" scripts/build.sh $(MACHINE)

build-other: $(STAMP)
	@UV= scripts/build.sh $(OTHER)
	@$(call check_built,$(OTHER),$(call folder_of,$(OTHER)))

size: build-here ## Show how large the functions are once unpacked; fail above their budgets
	@$(call check_built,$(MACHINE),$(call folder_of,$(MACHINE)),-k small_enough)

deploy: $(STAMP) ## Build and deploy a stage of samconfig.toml: STAGE=default|staging|prod [SET='NAME=VALUE ...'] [DRY=1]
	@UV="$(wildcard $(abspath $(UV)))" $(BIN)/python -m scripts.deploy $(if $(DRY),--dry-run) $(or $(STAGE),default) $(SET)

versions: $(STAMP) ## Show the versions of a stage's functions, or change what is in service: STAGE=... [DO='back --since 2h' | DO=prune]
	@$(BIN)/python -m scripts.versions llm-gateway$(if $(filter-out default,$(STAGE)),-$(STAGE)) $(DO)

sam-local: build-here ## Run every event in SAM's local Lambda, which takes Docker
	@scripts/with_docker.sh scripts/check_sam_local.sh

test-docker: $(STAMP) ## Build the container and run it, which takes Docker
	@scripts/with_docker.sh scripts/check_docker.sh $(call marked)

test-browser: $(STAMP) $(BROWSER)/.synced ## Look at the dashboard as people do, which takes a Chromium
	@scripts/with_chromium.sh $(BIN)/python -m pytest -q tests/browser

pictures: $(STAMP) $(BROWSER)/.synced ## Take the documentation's pictures of the dashboard anew, which takes a Chromium
	@scripts/with_chromium.sh $(BIN)/python -m tests.browser.pictures

charts: ## Take another version of the dashboard's chart library from npm: VERSION=1.6.32
	@scripts/renew_chart_library.sh $(or $(VERSION),$(error VERSION is to name a version of uPlot))

conformance: $(STAMP) ## Run MCP's conformance suite against the local stack
	@scripts/conformance.sh

lock: $(STAMP) ## Renew requirements/*.txt from the pyproject files
	scripts/lock.sh $(UV)

openapi: $(STAMP) ## Write openapi.json and other pages that are made from the code
	$(BIN)/python -m scripts.openapi
	$(BIN)/python -m scripts.reference
	$(BIN)/python -m scripts.site llms

docs: $(STAMP) $(DOCS)/.synced ## Build the documents as a site into .tools/site/html; a link that leads nowhere fails
	$(BIN)/python -m scripts.site stage .tools/site/pages
	cd .tools/site && ../docs/bin/zensical build --strict

test-documents: $(STAMP) $(DOCS)/.synced ## Type what the documents say to operators, by AWS's command line before an account on this machine
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup tests/documents

prices: $(STAMP) ## Take the list prices anew from LiteLLM's map
	$(BIN)/python scripts/update_prices.py

clean: ## Remove everything that make made
	rm -rf .venv .tools .aws-sam tests/clients/node_modules tests/browser/node_modules .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
