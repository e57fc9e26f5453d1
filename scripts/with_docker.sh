#!/bin/sh
# Run a command with a Docker daemon that answers: the one that runs, or else one that is started for it and stopped after
# it. Where there can be none this says why and succeeds: the command is skipped. Usage: scripts/with_docker.sh COMMAND...
set -u

skip() {
    echo "SKIPPED: $1; not run: $command" >&2
    exit 0
}

answers() { docker version >/dev/null 2>&1; }

# On a machine of CI's own, what is missing may be installed.
install() {
    [ -n "${CI:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    echo "Installing a Docker daemon." >&2
    told=$(mktemp)
    { apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $PACKAGES; } >"$told" 2>&1 ||
        tail -n 5 "$told" >&2
    rm -f "$told"
}

PACKAGES="docker.io docker-compose iptables mmdebstrap"
command=$*
[ $# -gt 0 ] || { echo "Usage: $0 COMMAND..." >&2; exit 2; }
answers && exec "$@"

has_all() { command -v dockerd && command -v docker-compose; }

# The package may start its daemon by itself.
has_all >/dev/null || { install && answers && exec "$@"; }
command -v dockerd >/dev/null || skip "no Docker daemon runs here, and there is no dockerd to start (Debian: docker.io)"
[ "$(id -u)" = 0 ] || skip "no Docker daemon runs here, and it takes root to start one"

# In memory where there is some: images are built and containers made two to three times as fast. Nothing outlives it.
memory=/dev/shm
[ -d "$memory" ] && [ "$(df -Pm "$memory" | awk 'NR == 2 {print $4}')" -gt 6000 ] || memory=${TMPDIR:-/tmp}
data=$(mktemp -d "$memory/docker.XXXXXX")
log=$data.log
setsid dockerd --data-root "$data" >"$log" 2>&1 &
daemon=$!
trap 'kill "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; rm -rf "$data" "$log"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
waited=0
until answers; do
    kill -0 "$daemon" 2>/dev/null || skip "dockerd does not start here: $(grep -iE 'fail|error' "$log" | tail -n 1)"
    [ "$waited" -lt 60 ] || skip "dockerd did not answer within 30 s"
    waited=$((waited + 1))
    sleep 0.5
done
"$@"
