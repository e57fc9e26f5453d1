"""Who may serve a request, in which order, for how much, and whether again. Pure."""
