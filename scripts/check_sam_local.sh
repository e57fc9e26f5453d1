#!/bin/sh
# Build the stack for this machine's processor and run what was built in SAM's local Lambda. Needs a Docker daemon:
# scripts/with_docker.sh finds or starts one.
set -eu
cd "$(dirname "$0")/.."
.venv/bin/python -m scripts.lambda_image
scripts/build.sh
exec .venv/bin/python -m pytest -q -p no:cacheprovider -n 2 --dist load tests/sam_local
