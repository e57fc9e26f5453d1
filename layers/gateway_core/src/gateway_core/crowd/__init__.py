"""How many requests one process works on at once, and in which order the others wait.

`line` is the order, pure; `limiter` gives slots in it; `slot` is what one request has of that, and how code that knows
nothing of slots gives its own back while it waits for others.
"""
