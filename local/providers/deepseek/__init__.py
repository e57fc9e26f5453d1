"""DeepSeek: its dialect of Chat Completions and the list of models."""
