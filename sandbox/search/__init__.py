"""HOW RECORDS ARE FOUND: filters and sorts over a search index that lags behind the records, and the lookup by id."""
