"""The routes, by theme. Each module has handlers; app.py says where they hang."""
