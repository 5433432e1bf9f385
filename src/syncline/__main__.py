"""``syncline`` and ``python -m syncline``."""

import sys

__all__ = ["main"]

_STOPPED = 130


def main() -> None:
    """Run the command line and exit with its code. Ctrl-C ends it without a traceback, also while it is being loaded."""
    try:
        from syncline.cli.main import run  # noqa: PLC0415  it takes a moment, in which somebody may press Ctrl-C

        code = run()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        code = _STOPPED
    sys.exit(code)


if __name__ == "__main__":
    main()
