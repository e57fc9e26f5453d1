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
# What is deployed has the versions that were tested.
compile_deployed() {
    compile "$@" -c requirements/dev.txt
}
# For functions that have the core layer as well: what it brings is left out.
# shellcheck disable=SC2046 # one option a package
compile_above_core() {
    compile_deployed "$@" \
        $(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' layers/gateway_core/requirements.txt)
}
compile requirements/dev.txt pyproject.toml --group dev
compile requirements/clients.txt --group pyproject.toml:clients
compile requirements/browser.txt --group pyproject.toml:browser
compile requirements/docs.txt --group pyproject.toml:docs
compile_deployed requirements/container.txt pyproject.toml --group litellm --group mcp --group local
compile_deployed layers/gateway_core/requirements.txt layers/gateway_core/pyproject.toml
compile_above_core layers/litellm/requirements.txt --group pyproject.toml:litellm
compile_above_core layers/jobs/requirements.txt --group pyproject.toml:jobs
compile_above_core functions/mcp/requirements.txt --group pyproject.toml:mcp
