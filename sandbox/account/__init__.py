"""WHAT THE ACCOUNT HOLDS: records, associations, properties, pipelines, owners; and what creates and changes them."""
