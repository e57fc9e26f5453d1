"""The HTTP edge: FastAPI routers over the core. Pydantic stops here."""
