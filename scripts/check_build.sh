#!/bin/sh
# Build everything that `sam deploy` would send, and run what was built: without the virtual environment, under the
# Lambda emulator of the tests. Usage: scripts/check_build.sh [arm64|x86_64]; by default this machine's.
set -eu
cd "$(dirname "$0")/.."

architecture=${1:-$(uname -m)}
[ "$architecture" != aarch64 ] || architecture=arm64
scripts/build.sh "$architecture"
GATEWAY_BUILD=$PWD/.aws-sam/build GATEWAY_BUILD_ARCHITECTURE=$architecture \
    exec .venv/bin/python -m pytest -q -p no:cacheprovider tests/built
