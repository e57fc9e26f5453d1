"""Who calls, what the key allows, and who administers it."""
