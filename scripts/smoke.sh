#!/bin/sh
# Check a deployed gateway from outside: every route, the shape of its errors, and that streams arrive as they are made.
# Needs curl and python3. It spends a few hundred tokens of a cheap model. See docs/deploy.md.
set -u

usage() {
    cat >&2 <<END
Usage: scripts/smoke.sh [-g GROUP | -m MODEL] [-p PROMPT] [-t SECONDS] [-b REQUESTS] [-o ORIGIN] [-v] URL [KEY]

  URL           where the gateway answers, such as https://abc123.execute-api.eu-central-1.amazonaws.com/live
  KEY           a virtual key, gk_...; without it the environment variable GATEWAY_KEY is used
  -g GROUP      the model group to ask (fast)
  -m MODEL      a model to ask instead
  -p PROMPT     what the streams are to answer; it should take a model a second or two
  -t SECONDS    how long one answer may take (60)
  -b REQUESTS   also send so many at once, to see what throttling answers; more than RequestBurst
  -o ORIGIN     also look at what a web page of this origin may read; one of AllowedOrigins, https://app.example.com
  -v            show when each event of a stream came

One line a check: PASS or FAIL, milliseconds, what was checked. The exit code is 1 if any failed, 2 for wrong arguments.
END
    exit 2
}

complain() { echo "smoke.sh: $1" >&2; usage; }

export SMOKE_GROUP=fast SMOKE_MODEL="" SMOKE_VERBOSE=0
export SMOKE_PROMPT="Count from 1 to 60, separated by spaces. Write nothing else."
patience=60 burst=0 origin=""
case ${1:-} in -h | --help) (usage) 2>&1; exit 0 ;; esac
while getopts g:m:p:t:b:o:v option; do
    case $option in
        g) SMOKE_GROUP=$OPTARG ;;
        m) SMOKE_MODEL=$OPTARG ;;
        p) SMOKE_PROMPT=$OPTARG ;;
        t) patience=$OPTARG ;;
        b) burst=$OPTARG ;;
        o) origin=$OPTARG ;;
        v) SMOKE_VERBOSE=1 ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] && [ $# -le 2 ] || usage
url=${1%/}
key=${2:-${GATEWAY_KEY:-}}
case $url in http://?* | https://?*) ;; *) complain "URL must begin with https:// (or http://)." ;; esac
case $key in gk_?*_?*) ;; *) complain "KEY must look like gk_PROJECT_SECRET." ;; esac
case $patience in "" | *[!0-9]*) complain "-t wants a number of seconds." ;; esac
case $burst in "" | *[!0-9]*) complain "-b wants a number of requests." ;; esac
case $origin in "" | http://?* | https://?*) ;; *) complain "-o wants an origin, https://app.example.com." ;; esac
for program in curl python3; do
    command -v "$program" >/dev/null || { echo "smoke.sh: $program is needed and not on PATH." >&2; exit 2; }
done

answers=$(dirname "$0")/smoke_answers.py
streams=$(dirname "$0")/smoke_streams.py
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# In a file and not among curl's arguments, which every user of this machine can list.
(umask 077 && printf 'authorization: Bearer %s\n' "$key" >"$work/key")
export SMOKE_KEY="$key"
failed=0

report() { # PASS|FAIL WHAT NOTE
    [ "$1" = PASS ] || failed=1
    printf '%s %7s ms  %s%s\n' "$1" "$ms" "$2" "${3:+: $3}"
}

read_answer() { python3 -I -S "$answers" "$@"; }

read_stream() { python3 -I -S "$streams" "$@"; }

field() { read_answer get "$1" <"$work/body"; }

# One request; sets status (000 without an answer) and ms. Usage: ask METHOD PATH [curl's options]
ask() {
    method=$1 path=$2
    shift 2
    : >"$work/body"
    told=$(curl -sS -X "$method" -m "$patience" -o "$work/body" -D "$work/headers" -w '%{http_code} %{time_total}' \
        "$@" "$url$path" 2>"$work/error") || true
    status=${told%% *}
    ms=$(echo "${told#* }" | awk '{printf "%d", $1 * 1000}')
}

with_key() { method=$1 path=$2; shift 2; ask "$method" "$path" -H "@$work/key" "$@"; }

post() { # KIND PATH [curl's options]
    kind=$1 path=$2
    shift 2
    read_answer body "$kind" >"$work/question"
    with_key POST "$path" -H 'content-type: application/json' --data-binary "@$work/question" "$@"
}

what_came() {
    if [ "$status" = 000 ]; then
        sed -n 's/^curl: //p' "$work/error" | head -n 1
    else
        read_answer explain "$status" <"$work/body"
    fi
}

# Pass if the last answer had this status and each PATH its VALUE; `?` is any. Usage: expect WHAT STATUS [PATH VALUE]...
expect() {
    what=$1 wanted=$2
    shift 2
    if [ "$status" != "$wanted" ]; then
        report FAIL "$what" "$(what_came)"
    elif wrong=$(read_answer check "$@" <"$work/body"); then
        report PASS "$what" "$note"
    else
        report FAIL "$what" "HTTP $status, but $wrong"
    fi
    note=""
}

# Every error has the gateway's shape, whoever answers it.
expect_error() { expect "$1" "$2" error.code "$3" error.message '?' error.type '?' error.request_id '?' error.retryable '?'; }

# A refusal of administration: by API Gateway, which wants a signature, or by a gateway that has another way to it.
expect_no_way() { # WHAT
    case $status in 401) wanted=401 ;; *) wanted=403 ;; esac
    expect_error "$1" "$wanted" '?'
}

# Whether the last answer had these headers, some of which API Gateway renames. Usage: expect_headers WHAT NAME[?]...
expect_headers() {
    what=$1
    shift
    if told=$(read_answer headers "$@" <"$work/headers"); then
        report PASS "$what" "$told"
    else
        report FAIL "$what" "$told"
    fi
}

# Whether a page of $origin may read the last answer, or was let through. Usage: expect_readable WHAT STATUS
expect_readable() {
    may=$(sed -n 's/^[Aa]ccess-[Cc]ontrol-[Aa]llow-[Oo]rigin: *//p' "$work/headers" | tr -d '\r')
    if [ "$status" != "$2" ]; then
        report FAIL "$1" "$(what_came)"
    elif [ "$may" = "$origin" ] || [ "$may" = '*' ]; then
        report PASS "$1" ""
    else
        report FAIL "$1" "access-control-allow-origin is ${may:-missing}, so a page of $origin cannot read it"
    fi
}

requests_so_far() {
    with_key GET "/v1/usage?agent_id=smoke&start_date=$today"
    field totals.requests
}

# A stream whose events came one after another. Usage: stream WHAT PATH KIND WIRE
stream() {
    read_answer body "$3" >"$work/question"
    read_stream stamp curl -sSN -m "$patience" -H "@$work/key" -H 'content-type: application/json' -D "$work/headers" \
        --data-binary "@$work/question" -w '\ncurl %{time_starttransfer} %{time_total} %{http_code}\n' "$url$2" \
        2>"$work/error" >"$work/stamped"
    told=$(sed -n '$s/.* curl //p' "$work/stamped")
    status=${told##* }
    ms=$(echo "$told" | awk '{printf "%d", $2 * 1000}')
    if [ "$status" != 200 ]; then
        sed 's/^[^ ]* //; /^curl /d' "$work/stamped" >"$work/body"
        report FAIL "$1" "$(what_came)"
    elif ! grep -qi '^content-type: *text/event-stream' "$work/headers"; then
        report FAIL "$1" "the answer is no event stream"
    else
        judge_stream "$1" stream "$4"
        judge_stream "first of $1" first
    fi
}

judge_stream() { # WHAT COMMAND...
    what=$1
    shift
    if told=$(read_stream "$@" <"$work/stamped"); then
        report PASS "$what" "$told"
    else
        report FAIL "$what" "$told"
    fi
}

# Whether throttling, if it sets in, tells when to come back, in the gateway's shape.
at_once() {
    ms=0
    awk -v times="$burst" -v url="$url/health" -v file="$work/refused" \
        'BEGIN { for (i = 0; i < times; i++) printf "url = \"%s\"\noutput = \"%s.%d\"\n", url, file, i }' >"$work/many"
    curl -s -Z --parallel-immediate --parallel-max 300 -m "$patience" -K "$work/many" \
        -w '%{http_code}\t%header{retry-after}\t%{filename_effective}\n' >"$work/statuses" 2>/dev/null
    if told=$(read_answer burst "$burst" <"$work/statuses"); then
        report PASS "requests at once" "$told"
    else
        report FAIL "requests at once" "$told"
    fi
}

today=$(date -u +%Y-%m-%d)
note=""
ask GET /health
expect "GET /health" 200 status ok
if [ "$status" = 000 ]; then
    echo "No gateway answers at $url; nothing else was tried." >&2
    exit 1
fi
ask GET /v1/models
expect_error "GET /v1/models without a key" 401 unauthenticated
ask GET /v1/models -H 'authorization: Bearer gk_smoke_wrong'
expect_error "GET /v1/models with a wrong key" 401 unauthenticated
expect_headers "headers of a refusal" WWW-Authenticate Date Content-Type Server?
ask GET /no/such/route
expect_error "a route that does not exist" 404 not_found
# API Gateway by itself would take a key for a signature of AWS, and refuse it.
with_key POST /no/such/route
expect_error "a route that does not exist, with a key" 404 not_found
with_key GET /v1/complete
expect_error "a method that a route does not take" 405 method_not_allowed
with_key DELETE /v1/chat/completions
expect_error "a method that nothing takes" 405 method_not_allowed
ask GET /admin/keys
expect_no_way "GET /admin/keys without a signature"
ask GET /admin/keys -H 'authorization: Bearer gk_smoke_wrong'
expect_no_way "GET /admin/keys with a key instead"
# 5 MB are too much for the gateway, 11 MB for API Gateway in front of it.
for megabytes in 5 11; do
    head -c $((megabytes * 1048576)) /dev/zero | tr '\0' ' ' >"$work/large"
    with_key POST /v1/complete -H 'content-type: application/json' -H 'expect:' --data-binary "@$work/large"
    expect_error "a body of $megabytes MB" 413 body_too_large
done
if [ -n "$origin" ]; then
    with_key POST /v1/complete -H 'expect:' -H "origin: $origin" --data-binary "@$work/large"
    expect_readable "a page reads that its body is too large" 413
    ask GET /v1/models -H "origin: $origin"
    expect_readable "a page reads that it has no key" 401
    ask OPTIONS /v1/complete -H "origin: $origin" -H 'access-control-request-method: POST' \
        -H 'access-control-request-headers: authorization,content-type'
    expect_readable "a page may send a request" 200
fi
with_key GET /v1/models
note="$(field data.#) models"
expect "GET /v1/models" 200 object list data.0.id '?'
with_key GET /health/providers
note="$(field providers.#) providers"
expect "GET /health/providers" 200 store ok providers.0.status '?'

before=$(requests_so_far)
post complete /v1/complete
note="$(field model), $(field cost.total_usd) USD"
expect "POST /v1/complete" 200 model '?' usage.output_tokens '?' cost.total_usd '?' attempts.0.outcome '?'
expect_headers "headers of an answer" X-Gateway-Request-Id X-Gateway-Model X-Gateway-Cost-USD Date Content-Length?
post ask /ask
note="$(field results.0.model), $(field totals.cost.total_usd) USD"
expect "POST /ask" 200 results.0.status success results.0.result '?' totals.succeeded 1
stream "POST /v1/stream" /v1/stream stream gateway
stream "POST /v1/chat/completions" /v1/chat/completions chat openai
accept='accept: application/json, text/event-stream'
post mcp_initialize /mcp -H "$accept"
expect "MCP initialize" 200 result.protocolVersion '?' result.serverInfo.name '?'
post mcp_list /mcp -H "$accept" -H 'mcp-protocol-version: 2025-06-18'
note="$(field result.tools.#) tools"
expect "MCP tools/list" 200 result.tools.0.name '?'
post mcp_call /mcp -H "$accept" -H 'mcp-protocol-version: 2025-06-18'
note="$(field result.structuredContent.model)"
expect "MCP tools/call complete" 200 result.structuredContent.cost.total_usd '?'

after=$(requests_so_far)
note="$before requests before, $after after"
if [ "${after:-0}" -ge $((${before:-0} + 5)) ] 2>/dev/null; then
    report PASS "GET /v1/usage" "$note"
elif [ "$status" = 200 ]; then
    report FAIL "GET /v1/usage" "$note, although 5 were made"
else
    report FAIL "GET /v1/usage" "$(what_came)"
fi
[ "$burst" = 0 ] || at_once
exit "$failed"
