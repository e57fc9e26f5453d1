#!/bin/sh
# Build everything that `sam deploy` would send, and run what was built: without the virtual environment, under the
# Lambda emulator of the tests. Usage: scripts/check_build.sh [arm64|x86_64]; by default this machine's.
# UV names uv; without it pip is used. Needs a package index, and no AWS account.
set -eu
cd "$(dirname "$0")/.."

architecture=${1:-$(uname -m)}
[ "$architecture" != aarch64 ] || architecture=arm64
# SAM wants the runtime's Python with pip on PATH, and a virtual environment may have none.
base=$(.venv/bin/python -c 'import sys; print(sys.base_prefix)')
export PATH="$base/bin:$PATH" SAM_CLI_TELEMETRY=0 AWS_EC2_METADATA_DISABLED=true AWS_DEFAULT_REGION=eu-central-1

.venv/bin/sam build --parameter-overrides "Architecture=$architecture"
GATEWAY_BUILD=$PWD/.aws-sam/build GATEWAY_BUILD_ARCHITECTURE=$architecture \
    .venv/bin/python -m pytest -q -p no:cacheprovider tests/built
