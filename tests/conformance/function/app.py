"""The fixture as a Lambda function: the suite's own tools behind the production server, app and runtime."""

from gateway_core.lambda_stream import streaming_handler
from tests.conformance.fixture import fixture_app

handler = streaming_handler(fixture_app())
