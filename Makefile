# rustle.engine: `make demo` shows it, `make test` proves it. Both do all of the set-up, into .work/.
.DEFAULT_GOAL := help
PYTHON ?= python3

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: ## virtual environments, link and sshd (idempotent)
	@$(PYTHON) tests/tools/setup.py

clean: ## remove everything that make made
	rm -rf .work

.PHONY: help setup clean
