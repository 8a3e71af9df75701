"""How it is read: every read of the API. Answers rows and small tuples, and knows no GraphQL type."""
