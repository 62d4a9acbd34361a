PYTHON ?= python3.11
VENV ?= .venv
TORCH_INDEX ?=
PROFILE ?= offline
DATA ?= demo/data
PHOTOS ?=
QUESTION ?=
BIN := $(VENV)/bin
export PYTHON TORCH_INDEX DATA PHOTOS QUESTION
export HF_HUB_OFFLINE = 1

.PHONY: help demo test serve bench chaos check proto lock eval env env-demo clean

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: env-demo  ## set up, import photographs, ask; PHOTOS=folder QUESTION="..." for your own
	$(BIN)/python -m evaluation.demo $(if $(PHOTOS),--photos "$$PHOTOS") $(if $(QUESTION),--question "$$QUESTION")

test: env  ## set up, run all tests
	$(BIN)/python -m pytest $(ARGS)

serve: env  ## serve the demo's data directory; DATA=folder for another
	exec $(BIN)/thresher serve --profile $(PROFILE) --data "$$DATA"

eval: env-demo  ## the demo's 24 questions and the suites; photographs from THRESHER_SHARED
	$(BIN)/python -m evaluation

bench: env  ## speed and memory beside their goals: build/bench.json
	$(BIN)/python -m benchmarks.bench $(ARGS)

chaos: env  ## 50 SIGKILLs at random points of imports
	$(BIN)/python -m benchmarks.chaos --kills 50

check: env  ## lint, types, layers, protos, locks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/python proto/generate.py --check
	$(BIN)/python requirements/lock.py --check

proto: env  ## generate thresher/v1 from proto/
	$(BIN)/python proto/generate.py

lock: env  ## resolve the lock files again
	$(BIN)/python requirements/lock.py

env:
	@deploy/environment.sh $(VENV)

env-demo:
	@deploy/environment.sh $(VENV) demo

clean:  ## remove what was made here, the demo's data too
	rm -rf demo build $(VENV)
