#!/bin/sh
# Run a command where there is a Chromium, whose path it gets as BROWSER. Where there can be none this says why and
# succeeds: the command is skipped. Usage: scripts/with_chromium.sh COMMAND...
set -u
command=$*
[ $# -gt 0 ] || { echo "Usage: $0 COMMAND..." >&2; exit 2; }

find_one() {
    for name in ${BROWSER:-} chromium chromium-browser google-chrome-stable google-chrome; do
        BROWSER=$(command -v "$name") && return
    done
    return 1
}

# On a machine of CI's own, what is missing may be installed.
install() {
    [ -n "${CI:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    echo "Installing a Chromium." >&2
    told=$(mktemp)
    { apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } \
        >"$told" 2>&1 || tail -n 5 "$told" >&2
    rm -f "$told"
}

find_one || { install && find_one; } || {
    echo "SKIPPED: no Chromium is here (Debian: chromium); not run: $command" >&2
    exit 0
}
export BROWSER
exec "$@"
