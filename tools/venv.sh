#!/usr/bin/env bash
# Make the virtual environment $1 from requirements.txt and the course's library: with uv where there is one, else
# with Python's own venv and pip. $PYTHON chooses the interpreter.
set -euo pipefail
target=$1

fail() { printf 'error: %s\n' "$@" >&2; exit 1; }

supported() { "$1" -c 'import sys; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

find_python() {
  if [ -n "${PYTHON:-}" ]; then
    supported "$PYTHON" || fail "PYTHON=$PYTHON is no Python 3.9-3.13 (PaddlePaddle has no other wheels)"
    command -v "$PYTHON"
    return
  fi
  for name in python3 python3.13 python3.12 python3.11 python3.10 python3.9 python; do
    if supported "$name"; then command -v "$name"; return; fi
  done
}

# On a terminal the installers show how far they are: 1.5 GB take minutes.
quiet=--quiet
if [ -t 1 ]; then quiet=; fi

with_uv() {
  # without a suitable Python on the PATH, uv looks elsewhere and at last downloads one
  rm -rf "$target"
  uv venv --quiet --python "${1:->=3.9,<3.14}" "$target" &&
    install uv pip install $quiet --python "$target/bin/python"
}

with_venv() {
  if [ -z "$1" ]; then
    found=$(python3 --version 2>/dev/null || echo 'no python3')
    fail "found $found, but the course needs Python 3.9-3.13 (PaddlePaddle has no other wheels)" \
      "install one (Debian, Ubuntu: apt install python3 python3-venv), or uv, which brings its own"
  fi
  if ! "$1" -c 'import ensurepip, venv' 2>/dev/null; then
    fail "$1 cannot make virtual environments: its 'venv' is missing" \
      "install it (Debian, Ubuntu: apt install python3-venv) or install uv, then run make again"
  fi
  rm -rf "$target"
  "$1" -m venv "$target"
  install "$target/bin/python" -m pip install $quiet --disable-pip-version-check --no-compile
}

install() {
  # the lock is complete: nothing is left to resolve, and what builds the course's own package is in it
  "$@" --no-deps -r requirements.txt &&
    "$@" --no-deps --no-build-isolation -e .
}

if [ ! -w "${HOME:-/nowhere}" ]; then # both installers keep caches there
  export HOME="$PWD/.venv-home"
  mkdir -p "$HOME"
  trap 'rm -rf "$HOME"' EXIT
fi

python=$(find_python)
echo "Setting up $target${python:+ with $("$python" --version)} (1.5 GB, a few minutes) ..."
if ! command -v uv >/dev/null; then
  with_venv "$python"
elif ! with_uv "$python"; then # pip may know of a mirror or a certificate that uv does not
  echo "uv did not succeed (its message stands above), trying Python's own venv and pip ..."
  with_venv "$python"
fi
# Matplotlib's first import may write to stderr while it lists the fonts: not in a notebook, then
"$target/bin/python" -c 'import matplotlib.font_manager' 2>/dev/null
