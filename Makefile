# make demo    a day of a rental company in half a minute; options in ARGS="--once --json"
# make test    everything that must hold, with the time of each stage; make lint, make soak likewise
# make format  formats the code and repairs what can be repaired
#
# The first call makes .venv with hash-locked requirements; later ones see that nothing changed.

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin

.PHONY: demo test soak lint format environment environment-dev

demo: environment
	@$(BIN)/outrider demo $(ARGS)

test: environment-dev
	@$(BIN)/python scripts/stages.py test

soak: environment-dev
	@$(BIN)/python scripts/stages.py soak

lint: environment-dev
	@$(BIN)/python scripts/stages.py lint

format: environment-dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

environment:
	@$(PYTHON) scripts/environment.py main

environment-dev:
	@$(PYTHON) scripts/environment.py dev
