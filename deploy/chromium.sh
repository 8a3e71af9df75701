#!/bin/sh
# Prints the path of a working Chromium: $CHROMIUM, one on PATH, Debian's package (as root), or Playwright's own.
starts() {
    [ -n "$1" ] && "$1" --version >/dev/null 2>&1
}

answer() {
    echo "$1"
    exit 0
}

if [ -n "$CHROMIUM" ]; then
    starts "$CHROMIUM" && answer "$CHROMIUM"
    echo "CHROMIUM is set to $CHROMIUM, which does not start; set it to a Chromium, or unset it." >&2
    exit 1
fi

for name in chromium chromium-browser google-chrome; do
    found=$(command -v "$name")
    starts "$found" && answer "$found"
done

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    sh deploy/quietly.sh "Installing Debian's package chromium" \
        sh -c 'apt-get update && apt-get install -y --no-install-recommends chromium' >&2
    found=$(command -v chromium)
    starts "$found" && answer "$found"
fi

sh deploy/quietly.sh "Installing Playwright's Chromium" .venv/bin/python -m playwright install chromium >&2
found=$(.venv/bin/python -c 'from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)')
starts "$found" && answer "$found"

echo "No Chromium for the browser test: install one (Debian: apt-get install chromium), or set CHROMIUM to its path." >&2
exit 1
