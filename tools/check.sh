#!/bin/sh
# Sets up an environment in .venv and runs every check of the project, all of them even where one fails.
# PYTHON names the interpreter to start from.
set -eu
cd "$(dirname "$0")/.."

if [ ! -x .venv/bin/python ]; then "${PYTHON:-python3}" -m venv .venv; fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
PATH="$PWD/.venv/bin:$PATH"
export PATH

failed=
check() {
  echo "\$ $*"
  "$@" || failed="$failed
  $*"
}

check ruff format --check .
check ruff check .
check mypy
check lint-imports
check pytest -n auto

if [ -n "$failed" ]; then
  echo "failed:$failed" >&2
  exit 1
fi
