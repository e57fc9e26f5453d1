"""The app of functions/health (on the path as `app`) with the streaming handler."""

from app import app

from gateway_core.lambda_stream import streaming_handler

handler = streaming_handler(app)
