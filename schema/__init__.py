"""What clients see: the GraphQL types, their limits and their errors. `schema.graphql` is the contract."""
