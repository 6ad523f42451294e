"""The API, version 1: bearer keys alone, problem+json, described at `/api/openapi.json`. One module per noun."""
