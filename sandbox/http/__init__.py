"""THE HTTP LAYER: the server, and what all routes share: requests, endpoints, errors, rate limits, scopes, journal."""
