#!/bin/sh
# Updates the lock files. Pins change only where they must; `make lock UPGRADE=1` takes the newest allowed versions.
set -e
compile() {
    .venv/bin/python -m uv pip compile pyproject.toml --quiet --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate --no-header ${UPGRADE:+--upgrade} "$@" >/dev/null
}
compile --output-file requirements.txt
compile --group dev --constraints requirements.txt --output-file requirements-dev.txt

# In an empty folder: next to node_modules, npm drops the optional packages of other platforms.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp web/package.json "$folder"
[ -n "$UPGRADE" ] || cp web/package-lock.json "$folder"
(cd "$folder" && npm install --package-lock-only --ignore-scripts --no-audit --no-fund --omit-lockfile-registry-resolved)
cp "$folder/package-lock.json" web/package-lock.json
node web/scripts/check-lock.mjs
