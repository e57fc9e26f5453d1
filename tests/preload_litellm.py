"""What `tests/preload.py` does, and LiteLLM: nine seconds of CPU more, for programs that call models through it."""

from tests.preload import call_all

call_all("litellm")
