"""``make docs``: docs/demo.svg, the picture of ``syncline demo`` in the README, made from the command itself.

The command runs in a terminal of its own, 96 columns wide; what it leaves on the screen is drawn. Progress bars redraw their lines, so
the few control sequences that Rich uses for that are carried out here.
"""

import os
import pty
import re
import select
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).with_name("demo.svg")
COLUMNS = 96
SECONDS = 120
TITLE = "make demo"
CONTROL = re.compile(r"\x1b\[(\?25[lh]|[0-9;]*[A-HJK])")
_CHUNK = 1 << 16


def recorded(command: list[str]) -> str:
    """What `command` writes to a terminal. Raises SystemExit if it fails."""
    terminal, inside = pty.openpty()
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "COLUMNS": str(COLUMNS),
        "LINES": "50",
    }
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside, env=environment) as process:
        os.close(inside)
        written = b""
        while chunk := _read(terminal):
            written += chunk
        if code := process.wait():
            sys.exit(f"{' '.join(command)} ended with {code}:\n{written.decode()}")
    return written.decode()


def _read(terminal: int) -> bytes:
    """The next piece; empty when the other side has closed the terminal."""
    if not select.select([terminal], [], [], SECONDS)[0]:
        sys.exit(f"nothing was written for {SECONDS} s")
    try:
        return os.read(terminal, _CHUNK)
    except OSError:  # how Linux says that it is closed
        return b""


def screen(written: str) -> list[str]:
    """The lines that are left on the screen, colours included."""
    lines, row = [""], 0
    for piece in re.split(r"(\r\n|\n|\r|\x1b\[[?0-9;]*[A-Za-z])", written):
        match piece:
            case "\r\n" | "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            case "\r" | "\x1b[2K":
                lines[row] = ""
            case _ if piece.endswith("A") and CONTROL.fullmatch(piece):
                row -= int(piece[2:-1] or 1)
            case _ if not CONTROL.fullmatch(piece):
                lines[row] += piece
    return lines


def main() -> None:
    """Run the demo and draw it."""
    lines = screen(recorded([sys.executable, "-m", "syncline", "demo"]))
    console = Console(
        record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text.from_ansi("\n".join(lines).strip("\n")))
    drawn = console.export_svg(title=TITLE, unique_id="demo")
    # The fonts would be loaded from a server; any monospaced one does.
    PICTURE.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
