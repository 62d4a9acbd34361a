#!/usr/bin/env bash
# Makes (or completes) the virtual environment of this checkout: deploy/environment.sh VENV [demo]
# PYTHON: a CPython 3.11. TORCH_INDEX: a package index that has torch's CPU build. What is there already is kept.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1 part=${2:-server}
python=${PYTHON:-python3.11}
torch=2.13.0
say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
warn() { printf '\033[33m%s\033[0m\n' "$*" >&2; }
fail() { printf '\033[31m%s\033[0m\n' "$*" >&2; exit 1; }

if [ ! -x "$venv/bin/python" ]; then
  command -v "$python" >/dev/null || fail "No $python found. Thresher's environment needs CPython 3.11: install it (Debian: apt-get install python3.11 python3.11-venv; pyenv install 3.11; uv python install 3.11), or name it: make PYTHON=/path/to/python3.11 ..."
  "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || fail "$python is not CPython 3.11; name one: make PYTHON=/path/to/python3.11 ..."
  say "making $venv"
  "$python" -m venv "$venv" || fail "$python cannot make a virtual environment. On Debian: apt-get install python3.11-venv"
fi
pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }

# Installs a lock file once: its hash is kept beside what it installed.
install_lock() {
  local lock=requirements/$1.lock stamp=$venv/.installed-$1 log=$venv/install-$1.log count
  [ "$(cat "$stamp" 2>/dev/null)" != "$(sha256sum <"$lock")" ] || return 0
  count=$(grep -c '^[a-zA-Z].*==' "$lock")
  say "installing $1 packages: up to $count, one to three minutes"
  pip install --progress-bar off --no-deps --require-hashes -r "$lock" 2>"$log" | tee -a "$log" | awk -v n="$count" '
    /^(Collecting|Processing)/ { i++; if (i % 20 == 0) { printf "    %d of %d packages found\n", i, n; fflush() } }
    /^Installing/ { print "    unpacking"; fflush() }' \
    || { tail -n 20 "$log" >&2; fail "installing $lock failed; the whole log is $log. A network fault? Run the same command again: what is there is kept."; }
  sha256sum <"$lock" >"$stamp"
}

if ! "$venv/bin/python" -c "import importlib.metadata as m, sys; sys.exit(not m.version('torch').startswith('$torch'))" 2>/dev/null; then
  say "installing torch $torch"
  if ! pip install --quiet --no-deps "torch==$torch+cpu" 2>/dev/null; then
    if [ -n "${TORCH_INDEX:-}" ]; then
      pip install --no-deps --index-url "$TORCH_INDEX" "torch==$torch"
    else
      say "no CPU build of torch in reach: taking the plain package, several GB on Linux (TORCH_INDEX names an index with the CPU build; see README.md)"
      pip install "torch==$torch"
    fi
  fi
fi
install_lock server
[ "$part" != demo ] || install_lock demo

stamp=$venv/.installed-thresher
if [ "$(cat "$stamp" 2>/dev/null)" != "$(sha256sum <pyproject.toml) $PWD" ]; then
  say "installing thresher itself (editable)"
  pip install --quiet --no-deps --no-build-isolation --editable .
  # The server is run from this checkout: its packages are not part of the wheel.
  echo "$PWD" >"$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/thresher-checkout.pth"
  echo "$(sha256sum <pyproject.toml) $PWD" >"$stamp"
fi

numa='vLLM on a CPU needs the system library libnuma1; without it answers are plain sentences. Install it:'
if [ "$(uname -s)" = Linux ] && ! "$venv/bin/python" -c 'import ctypes; ctypes.CDLL("libnuma.so.1")' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing libnuma1 (vLLM on a CPU needs it)"
    { apt-get install -y -q libnuma1 || { apt-get update -q && apt-get install -y -q libnuma1; }; } >/dev/null 2>&1 \
      || warn "$numa apt-get install libnuma1 (it failed just now)"
  else
    warn "$numa sudo apt-get install libnuma1"
  fi
fi
