"""`python -m tests.chaos SEED SECONDS`: `make chaos` calls it."""

import sys

from tests.chaos.chaos_run import run_chaos

if __name__ == "__main__":
    try:
        run_chaos(int(sys.argv[1]), float(sys.argv[2]))
    except AssertionError as error:
        sys.exit(f"Something was lost or done twice, or a kind of fault never happened: {error}")
