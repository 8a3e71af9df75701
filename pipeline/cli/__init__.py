"""What a person types: `python -m pipeline retry DEAL` and the other commands."""
