#!/bin/sh
# Make .venv and install exactly what the lock says. Done again only when the lock changes.
set -eu
kind="${1:-core}"
lock="requirements/$kind.lock"
if [ ! -x .venv/bin/python ]; then
  echo "Setting up .venv (once) …"
  python3 -m venv .venv || {
    echo "python3 -m venv failed. On Debian: apt-get install python3 python3-venv" >&2; exit 1; }
fi
want=$(cksum "$lock" requirements/uv.lock pyproject.toml | cksum | cut -d' ' -f1,2)
stamp=".venv/stamp-$kind"
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && exit 0
# What the development lock installs covers the core lock too.
if [ "$kind" = core ] && [ -f .venv/stamp-dev ] && [ "$(cat .venv/stamp-dev)" = "$(cksum requirements/dev.lock requirements/uv.lock pyproject.toml | cksum | cut -d' ' -f1,2)" ]; then exit 0; fi
echo "Installing the locked packages ($kind) …"
.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.lock 2>/dev/null || true
if [ -x .venv/bin/uv ] && .venv/bin/uv pip install -q --python .venv/bin/python --require-hashes --compile-bytecode -r "$lock" 2>/dev/null; then :
else
  .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r "$lock"
fi
.venv/bin/python scripts/link.py
echo "$want" > "$stamp"
