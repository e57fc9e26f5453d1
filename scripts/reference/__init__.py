"""Writes docs/reference.md from the schema that the configuration is checked by, and texts.yaml."""
