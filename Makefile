# rustle.engine: `make demo` shows it, `make test` proves it. Both do all of the set-up, into .work/.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .work/venv-2.19/bin
GATES := ruff mypy changelog ansible-lint ansible-test molecule pytest-2.21 pytest

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14
	@echo "one gate: $(GATES)"

demo: setup ## a site under linear and under rustle, on ssh hosts 25 ms away
	@$(VENV)/python -m tests.demo

test: setup ## all quality gates
	@$(VENV)/python tests/tools/gates.py

$(GATES): setup
	@$(VENV)/python tests/tools/gates.py $@

sanity: setup ## every test of ansible-test sanity (many minutes)
	@$(VENV)/python tests/tools/sanity.py

bench: ## strategies against each other; BENCH="small40 --hosts 10"
	@$(PYTHON) tests/tools/setup.py bench
	@$(VENV)/python -m tests.bench $(BENCH)

conformance: setup ## ansible-core's own integration targets, linear against rustle (hours); CONFORMANCE=folder of the judge
	@$(VENV)/python -m tests.conformance $(TARGETS)

build: setup ## the collection's archive, into dist/
	@$(VENV)/ansible-galaxy collection build --force --output-path dist

setup: ## virtual environments, link and sshd (does nothing when they are there)
	@$(PYTHON) tests/tools/setup.py

clean: ## remove everything that make made
	rm -rf .work dist

.PHONY: help demo test $(GATES) sanity bench conformance build setup clean
