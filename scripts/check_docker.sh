#!/bin/sh
# Build the image and run it. Needs a Docker daemon: scripts/with_docker.sh finds or starts one. Arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."
.venv/bin/python -m scripts.python_image
docker build --quiet --tag llm-gateway .
exec .venv/bin/python -m pytest -q -p no:cacheprovider "$@" tests/docker
