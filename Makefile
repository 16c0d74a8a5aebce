# Needs Python >= 3.11 with venv, make, a shell and a package registry. Nothing else: no compiler, no git.
PYTHON ?= python3
PORT ?= 8080
DATA ?= ./data
TESTS ?= tests
# Two workers each start a PostgreSQL of their own; more than four cost more memory than they save time.
PYTEST_OPTIONS ?= --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# Wheels carry this date, so that the same sources give the same bytes and a published digest can be checked.
SOURCE_DATE_EPOCH ?= 1767225600

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# A hash for every file. --no-deps leaves out pysha3, which merkletools names, does not need and nobody can compile;
# merkletools itself is a source archive of one Python module, built with the locked setuptools and not another.
LOCKED := install --quiet --no-deps --require-hashes --no-build-isolation

.DEFAULT_GOAL := help
.PHONY: help run test test-faults test-flips test-load lint types arrows format demo bench bench-peers bench-scale fuzz dist lock clean

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "PORT (default 8080), DATA (default ./data) and PYTHON (default python3) are honoured."

# ---- environments: made anew when there is none, the checkout has moved or PYTHON= names another version; -------------
# ---- brought up to date when a lock or pyproject.toml changes ---------------------------------------------------------

VERSION := -c 'import sys; print(*sys.version_info[:2])'
SAME_PYTHON := $(if $(filter file,$(origin PYTHON)),true,[ "$$($(PYTHON) $(VERSION))" = "$$($(BIN)/python $(VERSION))" ])
ANEW := $(shell [ "$$(cat .venv/.stands-in 2>/dev/null)" = "$(CURDIR)" ] && $(BIN)/python $(VERSION) >/dev/null 2>&1 && $(SAME_PYTHON) || echo yes)
ifeq ($(ANEW),yes)
.PHONY: .venv/.ready
endif

.venv/.ready: requirements.lock requirements-build.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: python 3.11 or newer is needed, $(PYTHON) is older or missing; name another with PYTHON=" >&2; exit 1; }
	@echo "installing into .venv"
	@[ -z "$(ANEW)" ] || $(PYTHON) -m venv --clear .venv
	@$(PIP) $(LOCKED) -r requirements-build.lock
	@$(PIP) $(LOCKED) -r requirements.lock
	@PYTHONWARNINGS=ignore $(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@echo "$(CURDIR)" > .venv/.stands-in
	@touch $@

.venv/.ready-dev: .venv/.ready requirements-dev.lock
	@echo "installing what tests need"
	@$(PIP) $(LOCKED) -r requirements-dev.lock
	@touch $@

# ---- use -------------------------------------------------------------------------------------------------------------

run: .venv/.ready ## serve a ledger of your own on 127.0.0.1:PORT; the first run makes it and prints a token
	@[ -e "$(DATA)/config.toml" ] || $(BIN)/evidence-ledger init --data "$(DATA)" --origin localhost/evidence
	@echo "ledger:  http://127.0.0.1:$(PORT)   data: $(DATA)   stop: Ctrl-C"
	@if $(BIN)/evidence-ledger user list --data "$(DATA)" | grep -qE '(^|[[:space:]])first([[:space:]]|$$)'; then \
	  echo "account: first (its token was printed on the first run; another: $(BIN)/evidence-ledger token new first --data $(DATA))"; \
	else \
	  token=$$($(BIN)/evidence-ledger user add first --role party --data "$(DATA)") || exit 1; \
	  echo "account: first"; echo "token:   $$token   (shown this once; keep it)"; \
	fi
	@exec $(BIN)/evidence-ledger serve --data "$(DATA)" --host 127.0.0.1 --port "$(PORT)"

demo: .venv/.ready-dev ## the whole story on real files, from anchoring to a tampered bundle that is refused
	@$(BIN)/python -m tests.demo

bench: .venv/.ready-dev ## benchmarks with their peers; writes benchmarks/results/
	@$(BIN)/python -m benchmarks

bench-peers: .venv/.ready-dev ## beside Tessera, its fsck, pymerkle, merkletools and bare databases; QUICK=1 in two minutes
	@$(BIN)/python -m benchmarks.peers $(if $(QUICK),--quick)

bench-scale: .venv/.ready-dev ## what a log costs at 10^4 entries … ENTRIES (default 10^6); FOLDER=… keeps and resumes it
	@$(BIN)/python -m benchmarks.growth $(if $(ENTRIES),--entries $(ENTRIES)) $(if $(FOLDER),--folder "$(FOLDER)")

# ---- gates: everything that CI runs ----------------------------------------------------------------------------------

test: lint types arrows ## everything CI runs: lint, types, arrows, all tests on SQLite and PostgreSQL
	@folder=$$(.ci/memory-folder) || exit 1; trap 'rm -rf $$folder' EXIT; set -x; \
	  TMPDIR=$${folder:-$${TMPDIR:-/tmp}} $(BIN)/python -m pytest $(PYTEST_OPTIONS) $(TESTS)

fuzz: .venv/.ready-dev ## nearly right bytes for every parser of hostile ones, SECONDS (default 30) each
	@$(BIN)/python -m tests.fuzz $(if $(SECONDS),--seconds $(SECONDS))

test-faults: .venv/.ready-dev ## the whole matrix of faults on both databases (docs/faults.md): KILLS=1000 on each
	EVIDENCE_FAULT_KILLS=$(or $(KILLS),1000) EVIDENCE_FAULT_CALLS=0 EVIDENCE_FAULT_STATES=400 EVIDENCE_FAULT_CUTS=100 \
	  EVIDENCE_FAULT_SERVERS=10 $(BIN)/python -m pytest $(PYTEST_OPTIONS) --dist worksteal tests/crashes

test-flips: .venv/.ready-dev ## every byte of bundles and receipts flipped, signatures and tokens too; minutes
	EVIDENCE_FLIP_ALL=1 $(BIN)/python -m pytest $(PYTEST_OPTIONS) tests/conformance/test_flips.py tests/verifier/test_flip.py

test-load: .venv/.ready-dev ## 500 uploads of 10 MB at once, one of 10 GiB and one byte more; needs 30 GiB of disk, minutes
	EVIDENCE_LOAD_UPLOADS=500 EVIDENCE_LOAD_UPLOAD_BYTES=10000000 EVIDENCE_LOAD_FILE_BYTES=10737418240 \
	  $(BIN)/python -m pytest -s tests/api/serve/test_uploads.py tests/api/serve/test_connections.py

test-clusters: .venv/.ready-dev ## several processes, a synchronous standby that takes over: ANCHORS=50000 each (docs/production.md)
	EVIDENCE_CLUSTER_ANCHORS=$(or $(ANCHORS),50000) $(BIN)/python -m pytest -s tests/clusters

lint: .venv/.ready-dev ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.ready-dev ## mypy, strict
	$(BIN)/mypy

arrows: .venv/.ready-dev ## import-linter: which room may import which
	$(BIN)/lint-imports

format: .venv/.ready-dev ## rewrite the sources as ruff formats them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# ---- releases --------------------------------------------------------------------------------------------------------

# Built from a copy with plain permissions: a wheel records them, and they must not depend on who checked out. The
# verifier's wheel is the same on every machine only because its sources are; its digest is published.
SOURCES := $(wildcard pyproject.toml LICENSE README.md ledger api verifier)
WHEEL := PYTHONWARNINGS=ignore SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) $(BIN)/python -m build --wheel --no-isolation

dist: .venv/.ready-dev ## wheels of both distributions in dist/, with their digests
	@rm -rf build dist && mkdir -p build/source dist && cp -R $(SOURCES) build/source/
	@find build/source -name __pycache__ -prune -exec rm -rf {} + && chmod -R u=rwX,go=rX build/source
	@umask 022; { $(WHEEL) --outdir dist build/source && $(WHEEL) --outdir dist build/source/verifier; } >build/log 2>&1 \
	  || { cat build/log >&2; exit 1; }
	@cd dist && for wheel in *.whl; do ../$(BIN)/python -c \
	  'import hashlib, sys; print(hashlib.file_digest(open(sys.argv[1], "rb"), "sha256").hexdigest(), sys.argv[1], sep="  ")' \
	  "$$wheel"; done >SHA256SUMS && cat SHA256SUMS && rm -rf ../build

lock: ## resolve pyproject.toml again into the four hashed lock files
	@.ci/lock $(PYTHON)

clean: ## remove the environment, caches and built wheels; DATA stays
	@rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
