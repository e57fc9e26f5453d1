#!/bin/sh
# Run what was built for this machine in SAM's local Lambda. Needs the build (`make build-here`) and a Docker daemon:
# scripts/with_docker.sh finds or starts one.
set -eu
cd "$(dirname "$0")/.."
.venv/bin/python -m scripts.lambda_image
exec .venv/bin/python -m pytest -q -p no:cacheprovider -n 2 --dist loadgroup tests/sam_local
