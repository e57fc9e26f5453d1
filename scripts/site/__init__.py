"""The documents as a website, and as llms.txt."""
