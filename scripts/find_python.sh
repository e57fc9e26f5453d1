#!/bin/sh
# Print a Python interpreter >= 3.12 that really runs, 3.13 first. A pyenv shim on PATH may exist and fail, so each
# candidate is asked for its own executable instead of being trusted by name.
set -u

probe='import sys; assert (3, 12) <= sys.version_info[:2] <= (3, 14); import venv, ensurepip; print(sys.executable)'

try() {
    [ -n "$1" ] || return 1
    found=$("$1" -c "$probe" 2>/dev/null) && [ -n "$found" ] && printf '%s\n' "$found" && exit 0
    return 1
}

try "${PYTHON:-}"
roots="${PYENV_ROOT:-} ${HOME:-}/.pyenv"
for version in 3.13 3.14 3.12; do
    try "python$version"
    for root in $roots; do
        for candidate in "$root"/versions/"$version"*/bin/python; do
            [ -x "$candidate" ] && try "$candidate"
        done
    done
done
try python3
try python
echo "No Python 3.12, 3.13 or 3.14 with the venv module was found. Install one (Debian: apt-get install python3-venv)" >&2
echo "or name it: make PYTHON=/path/to/python3.13 ..." >&2
exit 1
