"""How Deal Queue is started, supervised and stopped: `make run` and production alike."""
