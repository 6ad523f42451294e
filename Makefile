# Two commands do everything on a fresh Debian 12 with Python 3.11: make run, make test.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check install --quiet

RUN_APT := python3-venv libgl1 libglib2.0-0 fonts-dejavu-core curl
TEST_APT := $(RUN_APT) softhsm2 opensc chromium poppler-utils qpdf mupdf-tools openssl xmlsec1 zbar-tools libfaketime libatomic1 postgresql git

.PHONY: run test prove lint bench lock clean apt-run apt-test

run: $(VENV)/.run-ready
	@$(BIN)/ecoo demo

# The many processes that tests start are not to compile every module again.
test prove: export PYTHONDONTWRITEBYTECODE :=

test: $(VENV)/.test-ready lint
	@$(BIN)/pytest -n 2 --dist loadgroup --durations=10

# Everything, in the counts of the goal figures; takes long and is not part of make test.
prove: $(VENV)/.test-ready
	ECOO_PROVE=1 $(BIN)/pytest -n 2 --dist loadgroup --durations=10 --timeout=7200

lint: $(VENV)/.test-ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.run-ready
	@$(BIN)/ecoo bench

# Asks apt only for what dpkg does not have.
define need
	@missing=""; for name in $(1); do \
	  dpkg-query -W -f='$${Status}' $$name 2>/dev/null | grep -q '^install ok installed' || missing="$$missing $$name"; done; \
	if [ -n "$$missing" ]; then \
	  sudo=""; [ "$$(id -u)" = 0 ] || sudo="sudo"; \
	  echo "Installing$$missing"; \
	  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef

apt-run:
	$(call need,$(RUN_APT))

apt-test:
	$(call need,$(TEST_APT))

$(VENV)/bin/pip: | apt-run
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run-ready: requirements.lock pyproject.toml | apt-run $(VENV)/bin/pip
	@echo "Installing packages into $(VENV); the first time this takes some minutes."
	@$(PIP) --require-hashes --only-binary :all: -r requirements.lock
	@$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.test-ready: requirements-test.lock $(VENV)/.run-ready | apt-test
	@$(PIP) --require-hashes --only-binary :all: -r requirements-test.lock
	@touch $@

# Writes the lock files: hashes, and no address of any registry.
lock:
	uv pip compile pyproject.toml --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 -q -o requirements.lock
	uv pip compile pyproject.toml --extra test -c requirements.lock --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 -q -o requirements-test.lock

clean:
	rm -rf $(VENV) var dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
