"""THE HTTP LAYER: the server, and what all routes use: calls, responses, errors, rate limits, scopes, journal."""
