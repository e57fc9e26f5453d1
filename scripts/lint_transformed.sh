#!/bin/sh
# Lint what SAM makes of template.yaml. W3005: SAM names what a reference implies already.
set -eu
cd "$(dirname "$0")/.."
made=$(mktemp)
trap 'rm -f "$made"' EXIT
.venv/bin/python scripts/transform_template.py >"$made"
.venv/bin/cfn-lint -i W3005 -- "$made"
echo "What CloudFormation gets is valid."
