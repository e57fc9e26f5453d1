"""Anthropic's Messages as callers speak it: their requests in the chat form, and answers and errors on their wire."""
