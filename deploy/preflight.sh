#!/bin/sh
# Usage: preflight.sh PYTHON   Prints a sentence for each missing program, and creates or repairs .venv.
python=$1
missing=0

lacks() {
    echo "$1" >&2
    missing=1
}

# `import pip` fails when the interpreter of .venv was removed or replaced by another version. The file .installing is
# left by an interrupted installation: pip would take an incomplete package for an installed one.
venv_is_complete() {
    [ ! -e .venv/.installing ] && .venv/bin/python -c 'import pip' 2>/dev/null
}

check_python() {
    if ! command -v "$python" >/dev/null; then
        lacks "$python is missing: install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)."
    elif ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        lacks "$("$python" -V) is too old: install Python 3.11 or newer and run \`make PYTHON=python3.11 ...\`."
    elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        lacks "$python cannot make virtual environments: install its venv package (Debian: apt-get install python3-venv)."
    fi
}

check_node() {
    if ! command -v node >/dev/null; then
        lacks "Node.js is missing: install Node.js 20.19 or newer (Debian 13: apt-get install nodejs npm)."
    elif ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
        lacks "Node.js $(node -v) is too old: install Node.js 20.19 or newer (Debian 13: apt-get install nodejs npm)."
    fi
    command -v npm >/dev/null || lacks "npm is missing: install it beside Node.js (Debian: apt-get install npm)."
}

create_venv() {
    if [ -e .venv ]; then
        echo "The Python environment .venv is incomplete or broken; it is created again."
        rm -rf .venv
    fi
    mkdir .venv && touch .venv/.installing || exit 1
    sh deploy/quietly.sh "Creating the Python environment .venv" "$python" -m venv .venv || exit 1
    rm .venv/.installing
}

complete=yes
venv_is_complete || complete=no
[ "$complete" = yes ] || check_python
check_node
[ "$missing" -eq 0 ] || exit 1
[ "$complete" = yes ] || create_venv
