"""Whether an answer is what was asked for: strategies by name, and the response models that they know."""
