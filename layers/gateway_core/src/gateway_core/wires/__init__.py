"""What tells one upstream from another: a record for each wire in a file of its own, and a row for each provider.

A *wire* is a format in which providers answer. `wire` says what a record holds, and `anthropic`, `openai_chat`,
`openai_responses`, `openai_embeddings`, `gemini`, `cohere` and `ollama` each fill one in; `provider` says what a row
holds, and `table` has them all. Whoever reads an answer asks the record and knows no provider by its name.
"""
