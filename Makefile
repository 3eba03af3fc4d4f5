# `make demo` and `make test` are all that a fresh machine needs; both make .venv by themselves.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test check docs bench install clean

demo: $(READY)
	$(BIN)/microexpr demo

test: $(READY) check
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# The site, in the folder site/; a dead link, a missing docstring or any warning is an error.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true OMP_NUM_THREADS=1 $(BIN)/mkdocs build --strict

# The speed of a short version of everything, beside the last table of the documents; fails where a third of it is lost.
bench: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/speed.py --short --against docs/benchmarks/speed.json

install: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test,docs,fast,ray,onnx,hub,web]"
	$(BIN)/python -m microexpr.faces.mesh_files || echo "the face mesh is not installed: its tests are skipped"
	touch $@

clean:
	rm -rf .venv site .mypy_cache .pytest_cache .ruff_cache
