#!/bin/sh
# `sam build` with what it needs of this machine. Usage: scripts/build.sh [arm64|x86_64]; by default for this machine.
# .aws-sam/build has arm64, as a plain `sam deploy` sends it for that; what is for x86-64 is in .aws-sam/x86_64.
# UV names uv; without it pip is used. Needs a package index, and no AWS account.
set -eu
cd "$(dirname "$0")/.."

architecture=${1:-$(uname -m)}
[ "$architecture" != aarch64 ] || architecture=arm64
# SAM wants the runtime's Python with pip on PATH, and a virtual environment may have none.
base=$(.venv/bin/python -c 'import sys; print(sys.base_prefix)')
export PATH="$base/bin:$PATH" SAM_CLI_TELEMETRY=0 AWS_EC2_METADATA_DISABLED=true AWS_DEFAULT_REGION=eu-central-1
folder=.aws-sam/build
[ "$architecture" = arm64 ] || folder=.aws-sam/$architecture
log=$(mktemp)
trap 'rm -f "$log"' EXIT
.venv/bin/sam build --build-dir "$folder" --parameter-overrides "Architecture=$architecture" >"$log" 2>&1 ||
    { cat "$log"; exit 1; }
echo "Built for $architecture: $folder"
