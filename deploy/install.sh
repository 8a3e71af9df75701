#!/bin/sh
# Usage: install.sh REQUIREMENTS   Installs locked packages into .venv. The file .installing marks an unfinished run.
touch .venv/.installing
.venv/bin/python -m pip install --disable-pip-version-check --no-input --require-hashes -r "$1" && rm .venv/.installing
