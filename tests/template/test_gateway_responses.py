"""What API Gateway answers by itself: in the gateway's shape, and so that the pages of browsers can read it."""

import json
from http import HTTPStatus

import pytest

from gateway_core.api.cors import Pages
from gateway_core.api.errors import error_body
from gateway_core.config.web_origins import WebOrigins
from gateway_core.domain.errors import InvalidRequest, LLMError, RateLimited
from tests.template.transformed import of_type

(API,) = of_type("AWS::ApiGateway::RestApi").values()
ANSWERS = API["Body"]["x-amazon-apigateway-gateway-responses"]
# API Gateway chooses the status of what has no answer of its own, and has words for what the gateway never says.
ITS_OWN_STATUS = {"DEFAULT_4XX", "DEFAULT_5XX"}
ITS_OWN_WORDS = {"unavailable"}
STATUSES = {
    "MISSING_AUTHENTICATION_TOKEN": 401,
    "INVALID_SIGNATURE": 403,
    "EXPIRED_TOKEN": 403,
    "ACCESS_DENIED": 403,
    "REQUEST_TOO_LARGE": 413,
    "THROTTLED": 429,
    "QUOTA_EXCEEDED": 429,
    "INTEGRATION_FAILURE": 503,
    "INTEGRATION_TIMEOUT": 504,
}


def error_of(answer):
    """The error in a body, which has to be JSON once API Gateway has put the request's id in."""
    (template,) = answer["responseTemplates"].items()
    assert template[0] == "application/json"
    text = template[1].replace("$context.requestId", "id")
    # Everything else with this sign would be taken for a variable, too.
    assert "$" not in text
    document = json.loads(text)
    assert list(document) == ["error"]
    return document["error"]


def headers_of(answer):
    """Sent as they are: API Gateway wants texts in quotes of their own."""
    parameters = answer["responseParameters"]
    assert all(name.startswith("gatewayresponse.header.") for name in parameters)
    assert all(value[0] == value[-1] == "'" and "'" not in value[1:-1] for value in parameters.values())
    return {name.removeprefix("gatewayresponse.header."): value[1:-1] for name, value in parameters.items()}


def errors_of_the_gateway():
    """Every kind of error, by its code; the first of those with the same."""
    found, waiting = {}, [LLMError]
    for kind in waiting:
        found.setdefault(kind.code, kind)
        waiting.extend(kind.__subclasses__())
    return found


def test_each_answer_of_its_own_has_a_status():
    """None is added without somebody who looks at its body; and whatever else there is has an answer by default."""
    given = {name: int(answer["statusCode"]) for name, answer in ANSWERS.items() if "statusCode" in answer}
    assert given == STATUSES
    assert set(ANSWERS) == STATUSES.keys() | ITS_OWN_STATUS


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_body_is_an_error_of_the_gateways_shape(name):
    """The very fields, with values of their types: clients read one kind of error."""
    error = error_of(ANSWERS[name])
    like = error_body(InvalidRequest("?"), "id")["error"]
    assert list(error) == list(like)
    assert {field: type(value) for field, value in error.items() if field != "param"} == {
        field: type(value) for field, value in like.items() if field != "param"
    }
    assert (error["request_id"], error["param"], error["attempts"]) == ("id", None, [])


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_code_means_what_it_means_elsewhere(name):
    """The same type, and the same status where API Gateway has none of its own."""
    error, kinds = error_of(ANSWERS[name]), errors_of_the_gateway()
    assert (error["code"] in kinds) != (error["code"] in ITS_OWN_WORDS)
    kind = kinds.get(error["code"], LLMError)
    assert error["type"] == kind.type
    if name not in ITS_OWN_STATUS and kind is not LLMError:
        assert STATUSES[name] == kind.status


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_what_may_be_tried_again_says_so(name):
    """What is throttled tells when, in whole seconds; what a caller has to mend does not."""
    answer, error = ANSWERS[name], error_of(ANSWERS[name])
    throttled = STATUSES.get(name) in {RateLimited.status, HTTPStatus.SERVICE_UNAVAILABLE}
    waits = headers_of(answer).get("retry-after")
    assert (waits is not None) == throttled
    assert error["retryable"] or not throttled
    assert waits is None or f"{int(waits)} s" in error["message"]


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_pages_of_browsers_may_read_it(name):
    """Of any origin: it cannot be compared with those allowed, and there is nothing of the caller's in it."""
    headers = headers_of(ANSWERS[name])
    assert headers["access-control-allow-origin"] == "*"
    # With it a browser would take no star, and without it it sends nothing that the page did not write itself.
    assert "access-control-allow-credentials" not in headers
    shown = set(headers["access-control-expose-headers"].split(","))
    assert headers.keys() - {"access-control-allow-origin", "access-control-expose-headers"} <= shown


def test_the_gateway_shows_pages_the_same():
    """A page reads Retry-After, whoever refused it; of what the gateway answers only those that are allowed read it."""
    pages = Pages(app=lambda *_: None, origins=WebOrigins)
    told = pages.simple_headers["Access-Control-Expose-Headers"]
    assert "retry-after" in told.split(", ")
    assert not pages.is_allowed_origin("https://elsewhere.example")
    assert "Access-Control-Allow-Credentials" not in pages.simple_headers
