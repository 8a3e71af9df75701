"""The commands of `python -m pipeline`: a module for each group, and their common frame in command.py."""
