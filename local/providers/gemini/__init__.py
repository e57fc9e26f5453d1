"""Gemini: content generation, token counting, embeddings and the list of models."""
