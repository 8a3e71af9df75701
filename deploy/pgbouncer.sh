#!/bin/sh
# Prints the path of pgbouncer, as root from Debian's package; nothing where there is none: its tests are skipped then.
find_it() {
    PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v pgbouncer
}

if ! find_it >/dev/null && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    # Not its service: the tests start their own.
    sh deploy/quietly.sh "Installing Debian's package pgbouncer" \
        sh -c 'apt-get update && apt-get install -y --no-install-recommends pgbouncer && service pgbouncer stop || true' >&2
fi
find_it || true
