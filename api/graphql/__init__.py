"""GraphQL over HTTP: the route and the media types."""
