"""Administration over HTTP: `/admin/*`, for operators and no gateway key."""
