"""What a schedule or a queue starts."""
