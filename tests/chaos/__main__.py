"""`python -m tests.chaos SEED SECONDS`: `make chaos` calls it."""

import sys

from tests.chaos.chaos_run import storm

if __name__ == "__main__":
    try:
        storm(int(sys.argv[1]), float(sys.argv[2]))
    except AssertionError as error:
        sys.exit(f"Something was lost, doubled or never tried: {error}")
