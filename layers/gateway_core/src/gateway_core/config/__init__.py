"""What is configured, where it comes from, and how a change takes over."""
