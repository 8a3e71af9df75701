#!/bin/sh
# Usage: preflight.sh PYTHON   Names in one sentence each what this machine lacks, and makes or repairs .venv.
python=$1
missing=0

lacks() {
    echo "$1" >&2
    missing=1
}

# `import pip` fails when the interpreter that .venv was made with is gone or was replaced by another version;
# the file .installing stays behind when an installation was cut off, and half a package looks installed to pip.
venv_is_whole() {
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

make_venv() {
    if [ -e .venv ]; then
        echo "The Python environment .venv is incomplete or broken; it is made again."
        rm -rf .venv
    fi
    mkdir .venv && touch .venv/.installing || exit 1
    sh deploy/quietly.sh "Making the Python environment .venv" "$python" -m venv .venv || exit 1
    rm .venv/.installing
}

whole=yes
venv_is_whole || whole=no
[ "$whole" = yes ] || check_python
check_node
[ "$missing" -eq 0 ] || exit 1
[ "$whole" = yes ] || make_venv
