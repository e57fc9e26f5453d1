"""A serverless LLM gateway."""
