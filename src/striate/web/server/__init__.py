"""A server of trained networks: routes over verbs, and what keeps it alive. FastAPI on uvicorn; no torch."""
