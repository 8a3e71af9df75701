"""The migrations that create the database schema which models/ declares."""
