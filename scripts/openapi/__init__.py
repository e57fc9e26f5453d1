"""Makes openapi.json from what the routes check, and the examples in docs/api.md from real answers."""
