#!/bin/sh
# Run MCP's official conformance suite against the local stack, and against the suite's own fixture on the same app.
# Fails on what tests/conformance/*.yml does not expect. Needs npm; the suite and a Node for it go to .tools.
set -eu
cd "$(dirname "$0")/.."

if ! command -v npm >/dev/null 2>&1; then
    echo "conformance: SKIPPED, there is no npm here"
    exit 0
fi

home=.tools/conformance
lock=tests/conformance/package-lock.json
if ! cmp -s "$lock" "$home/installed.json"; then
    rm -rf "$home"
    mkdir -p "$home"
    cp tests/conformance/package.json "$lock" "$home"
    # No install scripts run, and each package's hash is checked.
    npm ci --prefix "$home" --ignore-scripts --no-fund --no-audit --loglevel=error
    cp "$lock" "$home/installed.json"
fi

node=$home/node_modules/.bin/node
[ -x "$node" ] || node=$(command -v node)
suite=$home/node_modules/@modelcontextprotocol/conformance/dist/index.js
exec .venv/bin/python -m tests.conformance "$node" "$suite" "$home/results"
