#!/bin/sh
# Renew the hash-pinned requirement files. Usage: scripts/lock.sh [UV]
set -eu
uv=${1:-uv}
compile() {
    out=$1
    shift
    "$uv" pip compile -q --universal --generate-hashes --python-version 3.12 --no-emit-package gateway-core \
        --custom-compile-command "make lock" "$@" -o "$out"
}
compile requirements/dev.txt pyproject.toml --group dev
compile layers/gateway_core/requirements.txt layers/gateway_core/pyproject.toml
compile layers/litellm/requirements.txt --group pyproject.toml:litellm
compile functions/mcp/requirements.txt --group pyproject.toml:mcp
