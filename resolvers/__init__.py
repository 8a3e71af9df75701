"""How it is read: every read of the API. Returns rows and small tuples, and knows no GraphQL type."""
