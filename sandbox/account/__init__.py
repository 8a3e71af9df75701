"""WHAT THE ACCOUNT HOLDS, and what creates and changes it.

It holds records with their search index, associations, properties, pipelines and owners.
"""
