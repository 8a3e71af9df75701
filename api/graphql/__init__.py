"""GraphQL over HTTP: the route, the request body and the media types."""
