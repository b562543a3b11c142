#!/usr/bin/env bash
# The steps of the GitHub Action, one function each. Every input arrives in the environment and is quoted wherever it is used;
# nothing that a caller wrote becomes part of a command, of GITHUB_OUTPUT or of a workflow command.
set -euo pipefail

work=${RUNNER_TEMP:?}/meshlint

install() {
  "${MESHLINT_PYTHON:-python3}" -m venv "$work/venv"
  "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint "$GITHUB_ACTION_PATH/constraints.txt" "$GITHUB_ACTION_PATH"
  echo "program=$work/venv/bin/meshlint" >>"$GITHUB_OUTPUT"
}

# Lints once into all formats. Its own exit code is kept for `finish`, so that findings do not stop the upload.
lint() {
  mkdir -p "$work"
  local sarif=$work/meshlint.sarif annotations=$work/annotations.txt summary=$work/summary.txt
  rm -f "$sarif" "$annotations" "$summary"
  local arguments=(
    lint --no-progress --format=full "--format=sarif=$sarif" "--format=github=$annotations" "--format=concise=$summary"
  )
  if [ -n "${MESHLINT_SELECT:-}" ]; then arguments+=("--select=$MESHLINT_SELECT"); fi
  if [ -n "${MESHLINT_IGNORE:-}" ]; then arguments+=("--ignore=$MESHLINT_IGNORE"); fi
  if [ -n "${MESHLINT_FAIL_ON:-}" ]; then arguments+=("--fail-on=$MESHLINT_FAIL_ON"); fi
  if [ -n "${MESHLINT_ISTIO_VERSION:-}" ]; then arguments+=("--istio-version=$MESHLINT_ISTIO_VERSION"); fi
  arguments+=(--)
  local path
  while IFS= read -r path; do
    if [ -n "$path" ]; then arguments+=("$path"); fi
  done <<<"${MESHLINT_PATHS:-.}"

  # The report quotes manifests. While it is printed, the runner must not take its lines for workflow commands.
  local token status=0
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  echo "::stop-commands::$token"
  "${MESHLINT:?}" "${arguments[@]}" 2>&1 || status=$?
  echo "::$token::"

  echo "status=$status" >>"$GITHUB_OUTPUT"
  if [ -s "$sarif" ]; then echo "sarif=$sarif" >>"$GITHUB_OUTPUT"; fi
  summarise "$status" "$summary" >>"$GITHUB_STEP_SUMMARY"
}

# Findings are indented into a code block, which no text of theirs can close.
summarise() {
  echo "## meshlint"
  echo
  case $1 in
    0) echo "Nothing at or above the severity that fails the job." ;;
    1) echo "Findings fail this job." ;;
    3) echo "Incomplete: there was no Kubernetes resource to read." ;;
    *) echo "Incomplete: meshlint stopped with exit code $1; the log of the step says why." ;;
  esac
  echo
  if [ -s "$2" ]; then head -c 60000 "$2" | sed 's/^/    /'; fi
}

annotate() {
  if [ -s "$work/annotations.txt" ]; then cat "$work/annotations.txt"; fi
}

finish() {
  exit "${MESHLINT_STATUS:?}"
}

case ${1:-} in
  install | lint | annotate | finish) "$1" ;;
  *)
    echo "usage: run.sh install|lint|annotate|finish" >&2
    exit 2
    ;;
esac
