"""The HTTP edge: GraphQL, sign-in, health, metrics and the web client's files."""
