"""``syncline`` and ``python -m syncline``."""

import sys

from syncline.cli.main import run

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run())


if __name__ == "__main__":
    main()
