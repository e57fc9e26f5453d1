"""OpenAI: Chat Completions, Responses, Embeddings and the list of models."""
