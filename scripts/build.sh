#!/bin/sh
# `sam build` with what it needs of this machine. Usage: scripts/build.sh [arm64|x86_64]; by default this machine's.
# UV names uv; without it pip is used. Needs a package index, and no AWS account.
set -eu
cd "$(dirname "$0")/.."

architecture=${1:-$(uname -m)}
[ "$architecture" != aarch64 ] || architecture=arm64
# SAM wants the runtime's Python with pip on PATH, and a virtual environment may have none.
base=$(.venv/bin/python -c 'import sys; print(sys.base_prefix)')
export PATH="$base/bin:$PATH" SAM_CLI_TELEMETRY=0 AWS_EC2_METADATA_DISABLED=true AWS_DEFAULT_REGION=eu-central-1
exec .venv/bin/sam build --parameter-overrides "Architecture=$architecture"
