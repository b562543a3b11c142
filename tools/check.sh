#!/bin/sh
# Sets up an environment in .venv and runs every check of the project. PYTHON names the interpreter to start from.
set -eu
cd "$(dirname "$0")/.."

if [ ! -x .venv/bin/python ]; then "${PYTHON:-python3}" -m venv .venv; fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
PATH="$PWD/.venv/bin:$PATH"
export PATH

run() {
  echo "\$ $*"
  "$@"
}

run ruff format --check .
run ruff check .
run mypy
run lint-imports
run pytest -n auto
