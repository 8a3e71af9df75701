"""`python -m schema`: print the contract, the text of `schema/schema.graphql`."""

import sys

from schema.execution import create_schema


def main() -> None:
    sys.stdout.write(f"{create_schema().as_str()}\n")


if __name__ == "__main__":
    main()
