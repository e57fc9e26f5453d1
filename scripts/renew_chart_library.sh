#!/bin/sh
# Take a version of uPlot, the dashboard's chart library, from npm, as it is. Usage: scripts/renew_chart_library.sh VERSION
set -eu
version=${1:?Usage: $0 VERSION}
folder=$(cd "$(dirname "$0")/.." && pwd)/layers/gateway_core/src/gateway_core/data/dashboard/vendor
taken=$(mktemp -d)
trap 'rm -rf "$taken"' EXIT
(cd "$taken" && npm pack --silent "uplot@$version" >/dev/null && tar xzf ./*.tgz)
cp "$taken/package/dist/uPlot.iife.min.js" "$taken/package/dist/uPlot.min.css" "$folder"
cp "$taken/package/LICENSE" "$folder/uPlot.LICENSE.txt"
{
    echo "# What is not ours"
    echo
    echo "[uPlot](https://github.com/leeoniya/uPlot) $version, MIT, as npm has it. \`make charts VERSION=...\` takes another."
    echo
    echo "| file | SHA-256 |"
    echo "|---|---|"
    (cd "$folder" && sha256sum uPlot.LICENSE.txt uPlot.iife.min.js uPlot.min.css) | while read -r sum name; do
        echo "| \`$name\` | \`$sum\` |"
    done
} >"$folder/README.md"
