#!/bin/sh
# Usage: quietly.sh LABEL COMMAND...   One line when the command succeeds; its whole output when it fails.
label=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM HUP
started=$(date +%s)
if [ -t 1 ]; then printf '%s ...' "$label"; else echo "$label ..."; fi
"$@" >"$log" 2>&1
code=$?
took=$(($(date +%s) - started))
[ -t 1 ] && printf '\r'
if [ "$code" -eq 0 ]; then
    echo "$label: done ($took s)"
else
    echo "$label: failed with status $code after $took s. Its output:"
    cat "$log"
fi
exit "$code"
