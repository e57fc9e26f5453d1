"""OAuth 2.1 at `/mcp`, as a resource server: who comes with a token instead of a key."""
