"""A serverless LLM gateway: routing, failover, circuit breaking, budgets and cost accounting."""

__version__ = "0.1.0"
