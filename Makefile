# Everything here makes its own virtual environment; needed on the machine: python3 (3.11 or later) and make.
PYTHON ?= python3
VENV   ?= .venv
CONFIG ?= demo
EVENTS ?=
EPOCHS ?=
SEED   ?=
STUDIES ?=
SCALE  ?=
JOBS   ?=
# CUDA libraries only where there is a GPU for them.
EXTRAS ?= generate,train,export,search,reach,analysis,report,docs,dev$(if $(shell command -v nvidia-smi),$(comma)gpu)
comma  := ,
BIN    := $(VENV)/bin
# uv installs in a third of pip's CPU time; where it cannot (an index that only pip is told of), pip does.
PIP     = $(BIN)/python -m pip install --quiet --disable-pip-version-check
BINARY  = pythia8mc fastjet tensorflow numpy h5py scipy
PACKAGES = $(addprefix --only-binary=,$(BINARY)) --no-build-isolation --constraint constraints.txt --editable ".[$(EXTRAS)]"
OPTIONS = $(if $(EVENTS),--events $(EVENTS)) $(if $(EPOCHS),--epochs $(EPOCHS)) $(if $(SEED),--seed $(SEED))

.DEFAULT_GOAL := help
.PHONY: help venv train-mirror reproduce data figures notebook docs wheel presets test faults coverage mutants check clean

help:  ## this list
	@echo "make TARGET [CONFIG=demo] [EVENTS=12000] [EPOCHS=9] [SEED=1]"
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1|\2/' | column -t -s '|'

venv: $(VENV)/.installed  ## the virtual environment .venv with everything in it

$(VENV)/.installed: setup.cfg constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mscat-tf needs Python 3.11 or later, found " + sys.version.split()[0] + "; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --only-binary=:all: --constraint constraints.txt "setuptools>=68" wheel
	$(PIP) --only-binary=:all: --constraint constraints.txt uv && $(BIN)/uv pip install --python $(BIN)/python --quiet --system-certs --compile-bytecode $(PACKAGES) \
		|| { $(PIP) --no-compile --prefer-binary $(PACKAGES) && { $(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true; }; }
	@touch $@

train-mirror: venv  ## everything from nothing: events, three networks under MirroredStrategy, evaluation, explanation
	$(BIN)/mscat train-mirror $(CONFIG) $(OPTIONS)

reproduce: venv  ## every study: trainings side by side (JOBS=), tables, RESULTS.md; goes on where it stopped
	$(BIN)/mscat reproduce $(STUDIES) $(if $(SCALE),--scale $(SCALE)) $(if $(JOBS),--jobs $(JOBS))

data: venv  ## only the simulated events
	$(BIN)/mscat generate $(CONFIG) $(OPTIONS)

figures: venv  ## draw every figure of the runs of CONFIG again
	$(BIN)/mscat figures $(CONFIG) $(OPTIONS)

notebook: venv  ## open the notebooks of docs/ in JupyterLab, the first one in front
	$(PIP) --constraint constraints.txt --no-build-isolation --editable ".[notebook]"
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) docs/01_first_run.ipynb

docs: venv  ## the documentation as a site in site/, warnings as errors
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --fresh-env --jobs auto -c docs . site
	@echo "open site/index.html"

wheel: venv  ## dist/*.whl, which pip installs without this folder (docs/install.md)
	rm -rf build dist
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	rm -rf build

presets: venv  ## train the networks that ship anew, from nothing -> mscat_tf/presets/
	$(BIN)/mscat make-preset presets/mscat-small --out mscat_tf/presets
	$(BIN)/mscat make-preset presets/mixer-small --out mscat_tf/presets

test: venv  ## the whole test suite, on all cores
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder

coverage: venv  ## lines that the tests reach, without the slow ones; fails below 90 %
	rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -m "not slow" --numprocesses=auto --dist=loadfile --no-loadscope-reorder
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

mutants: venv  ## which faults put into frame, masks, metrics and schema the tests find; goes on where it stopped
	CI=1 $(BIN)/mutmut run --max-children 1 > mutants.log || { tail -c 2000 mutants.log; exit 1; }
	$(BIN)/python -m experiments.mutants

faults: venv  ## killed processes, bad files, full disks, code in files: docs/faults.md; hours, goes on where it stopped
	$(BIN)/python -m experiments.faults $(if $(SEED),--seed $(SEED))

check: venv  ## formatting, lint, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:  ## remove the environment, caches and generated files (data/ and runs/ stay)
	rm -rf $(VENV) build dist ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
