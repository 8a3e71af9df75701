"""How Deal Queue is started, supervised and stopped: the same for `make run` and for production."""
