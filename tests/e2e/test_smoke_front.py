"""What `scripts/smoke.sh` says of API Gateway's ways: renamed headers, own refusals, throttling, pages of browsers."""

import itertools
import json
import shutil

import pytest

from local.serving import serve
from tests.e2e.smoking import SLOWLY, Proxy, failures, results, smoke

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("e2e"),
    pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here"),
]
WRONG_KEY = "gk_dev_not-this-one"
PAGE = "http://localhost:3000"
FOR_PAGES = ("a page reads that its body is too large", "a page reads that it has no key", "a page may send a request")


def refusal(status, *headers, text=None):
    """In the gateway's shape, or another."""
    error = {"code": "unavailable", "message": "Later.", "type": "api_error", "request_id": "a", "retryable": True}
    return status, headers, (text or json.dumps({"error": error})).encode()


def renamed(*names):
    """As API Gateway does with headers of a function's answer."""
    return lambda own: [(b"x-amzn-remapped-" + name if name in names else name, value) for name, value in own]


def without(*names):
    """As a proxy that lets only some through."""
    return lambda own: [(name, value) for name, value in own if name not in names]


def test_renamed_headers_pass_and_missing_ones_fail(gateway):
    """Which name came is told: a client that looks for the plain one finds none. Nothing else suffers from either."""

    def headers(own):
        return without(b"x-gateway-cost-usd")(renamed(b"www-authenticate", b"server")(own))

    with serve(Proxy(str(gateway.base_url), headers=headers)) as url:
        done = smoke(url, "-p", SLOWLY)
    assert failures(done) == {"headers of an answer"}
    assert "headers of a refusal: WWW-Authenticate as x-amzn-Remapped-WWW-Authenticate, Date" in done.stdout
    assert "no X-Gateway-Cost-USD" in done.stdout


def by_itself(scope):
    """What API Gateway says to a key on paths and for methods that it does not know, and to what is too large for it.

    Nobody is asked for a signature here, who shows nothing.
    """
    headers = dict(scope["headers"])
    if int(headers.get(b"content-length", b"0")) > 9_000_000:
        return refusal(413)
    if scope["path"] == "/admin/keys" and b"authorization" not in headers:
        return refusal(200, text="{}")
    unknown = scope["path"] in {"/no/such/route", "/admin/keys"} or scope["method"] == "DELETE"
    if unknown and b"authorization" in headers:
        return refusal(
            403, text='{"message": "not a valid key=value pair (missing equal-sign) in Authorization header"}'
        )
    return None


def test_a_front_with_its_own_answers_fails(gateway):
    """A key that is taken for a signature, an open door to administration, and a refusal that no page can read."""
    with serve(Proxy(str(gateway.base_url), instead=by_itself)) as url:
        done = smoke(url, "-o", PAGE, key=WRONG_KEY)
    wrong = {
        "a route that does not exist, with a key",
        "a method that nothing takes",
        "GET /admin/keys without a signature",
        "GET /admin/keys with a key instead",
        FOR_PAGES[0],
    }
    assert wrong <= failures(done)
    assert f"access-control-allow-origin is missing, so a page of {PAGE} cannot read it" in done.stdout
    fine = {"a route that does not exist", "GET /v1/models without a key", *FOR_PAGES[1:]}
    assert not fine & failures(done)


LATER = (b"retry-after", b"5")


@pytest.mark.parametrize(
    ("answer", "verdict", "told"),
    [
        (refusal(503, LATER), "PASS", "15 told to come back (15 by 503)"),
        (refusal(429), "FAIL", "15 got 429 without Retry-After"),
        (refusal(503, LATER, text=" "), "FAIL", "error.code is missing"),
    ],
)
def test_throttling_must_say_when_to_come_back(gateway, answer, verdict, told):
    """API Gateway's and Lambda's alike, of which some of many requests at once hear, in the gateway's shape."""
    calls = itertools.count()

    def crowded(scope):
        return answer if scope["path"] == "/health" and next(calls) > 5 else None

    with serve(Proxy(str(gateway.base_url), instead=crowded)) as url:
        done = smoke(url, "-b", "20", key=WRONG_KEY)
    assert results(done)["requests at once"] == verdict
    assert "5 of 20 were served" in done.stdout
    assert told in done.stdout
