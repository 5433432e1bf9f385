"""What the command line looks like: results on standard output, everything else on standard error.

On a terminal a pull is a bar; elsewhere it is a line now and then. Rich respects NO_COLOR and leaves colour
out where nobody sees it.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import StringIO
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

from rich.console import Console, RenderableType

from syncline.core.errors import SynclineError
from syncline.engine.task import Progress

if TYPE_CHECKING:  # heavy, and not needed by every command
    from rich.progress import Progress as Bars

__all__ = ["Terminal", "Watch"]

Watch: TypeAlias = Callable[[Progress], None]

_WIDE = 500
_HIGH = 25
_QUIET = 5.0
"""Seconds between two lines where there is no terminal."""


class Terminal:
    """Standard output and standard error."""

    def __init__(self) -> None:
        self.out = Console(highlight=False, soft_wrap=True, width=_width(sys.stdout))
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)

    def text(self, text: str) -> None:
        """Print text as it is. Raises SynclineError if standard output cannot be written."""
        try:
            self.out.file.write(text)
            self.out.file.flush()  # whoever reads a pipe is not to wait for the end
        except BrokenPipeError:
            raise
        except OSError as error:
            self.close_output()
            raise SynclineError(f"Standard output cannot be written: {error.strerror}.") from error

    def close_output(self) -> None:
        """Let what is still to be written go nowhere, so that the interpreter's end does not fail on it."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.out.file.fileno())

    def result(self, text: str) -> None:
        """Print a result, as it is."""
        self.text(text + "\n")

    def note(self, text: str) -> None:
        """Say something that is no result."""
        with suppress(OSError):  # nobody listens: that is no reason to stop
            self.err.print(text, markup=False)

    def error(self, sentence: str) -> None:
        """Say what is wrong."""
        with suppress(OSError):  # the exit code says it, too
            self.err.print("[bold red]Error:[/]", end=" ")
            self.err.print(sentence, markup=False)

    def json(self, value: Mapping[str, Any]) -> None:
        """Print one JSON object."""
        self.text(json.dumps(value, ensure_ascii=False, default=str) + "\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print a table; its cells as they are and whole, however narrow the terminal is."""
        from rich.table import Table  # noqa: PLC0415  not needed by every command

        table = Table(*columns, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*("" if cell is None else str(cell).replace("[", r"\[") for cell in row))
        self.draw(table, width=_WIDE)

    def draw(self, drawing: RenderableType, *, width: int | None = None) -> None:
        """Print something of Rich's, `width` columns wide at most instead of the terminal's."""
        drawn = StringIO()
        canvas = Console(
            file=drawn,
            width=width or self.out.width,
            height=_HIGH,  # without it a dumb terminal is 80 columns wide, whatever is said
            force_terminal=self.out.is_terminal,
            no_color=self.out.no_color,
            highlight=False,
        )
        canvas.print(drawing)
        self.text("".join(f"{line.rstrip()}\n" for line in drawn.getvalue().splitlines()))

    @contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """Show that something is under way whose length nobody knows."""
        if self.err.is_terminal:
            with self.err.status(what):
                yield
        else:
            yield

    @contextmanager
    def progress(self) -> Iterator[Watch]:
        """Show how a pull gets on while the block runs."""
        if not self.err.is_terminal:
            yield _Lines(self.note)
            return
        with _bars(self.err) as bars:
            task = bars.add_task("connecting", total=None, said="")

            def watch(progress: Progress) -> None:
                made = progress.requests.get("made", 0)
                total = None if progress.phase == "listing" else made + progress.waiting
                bars.update(
                    task, description=progress.phase, completed=made, total=total, said=_counts(progress)
                )

            yield watch


def _width(stream: TextIO) -> int | None:
    """The width of what is no terminal: wide enough that no table is cut. None: as wide as the terminal."""
    return None if stream.isatty() else _WIDE


def _bars(console: Console) -> "Bars":
    from rich.progress import (  # noqa: PLC0415  as above
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<8}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
        TextColumn("eta"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def _counts(progress: Progress) -> str:
    requests, seen = progress.requests, progress.pages.get("seen", 0)
    made = requests.get("made", 0)
    said = f"{made:,} request{'' if made == 1 else 's'} (least possible {requests.get('bound', 0):,})"
    if seen:  # counted now and then only, so at first it is not known
        said = f"{seen:,} page{'' if seen == 1 else 's'}  {said}"
    limited = requests.get("rate_limited", 0)
    return f"{said}  {limited:,} rate limited" if limited else said


class _Lines:
    """Progress where there is no terminal: a line when the phase changes, and now and then.

    Where nothing has moved since the last line, it says that once and then is quiet: the pull waits for Notion, for its rate
    limit or after an error.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._phase = ""
        self._next = 0.0
        self._stand = ""
        self._line = ""

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.phase != self._phase or now >= self._next:
            self._phase = progress.phase
            self._next = now + _QUIET
            stand = f"{progress.phase}: {_counts(progress)}"
            moved = stand != self._stand
            line = stand if moved else f"{stand}  waiting for Notion, {progress.waiting:,} to go"
            if line != self._line:
                self._say(line)
            self._stand, self._line = stand, line
