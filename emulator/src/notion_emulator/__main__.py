"""``notion-emulator serve``: a local Notion on a port."""

import argparse
import gc
import json
import math
import os
import signal
import sys
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import NoReturn

from notion_emulator.emulator import Emulator
from notion_emulator.limits import rate
from notion_emulator.replay import Recording
from notion_emulator.server import bind, serve
from notion_emulator.workspaces import open_workspace

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="notion-emulator", description="A local Notion API.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('notion-emulator')}")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("serve", help="serve a workspace over HTTP until Ctrl-C")
    one.add_argument("--host", default="127.0.0.1", help="the address to listen at")
    one.add_argument("--port", type=int, default=4100, help="0 takes a free port")
    one.add_argument(
        "--workspace", default="sample", metavar="NAME",
        help="sample, empty, generated:pages=..,rows=..,blocks=..,depth=..,data_sources=..,seed=.., or a saved file",
    )  # fmt: skip
    one.add_argument("--replay", nargs="+", type=Path, metavar="FILE", help="answer from recordings instead")
    one.add_argument(
        "--rate", default="none", help="180/60 (window), 3/1 (bucket) or none, for each connection"
    )
    one.add_argument(
        "--latency", type=float, default=0.0, metavar="MS", help="milliseconds each answer takes"
    )
    one.add_argument("--json", action="store_true", help="print one line of JSON when ready")
    one.add_argument(
        "--until-eof",
        action="store_true",
        help="end when standard input does: with the process that holds it",
    )
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Run the command; exit 0 after Ctrl-C or SIGTERM, 2 with one sentence where it cannot be done."""
    asked = _parser().parse_args(arguments)
    try:
        emulator = open_workspace("empty" if asked.replay else asked.workspace)
        emulator.set_rate(rate(asked.rate))
        emulator.latency = _seconds(asked.latency)
        emulator.recording = _recording(asked.replay)
    except (ValueError, OSError) as error:
        _fail(str(error))
    try:
        bound = bind(asked.host, asked.port)
    except (OSError, OverflowError) as error:
        _fail(f"Cannot listen on {asked.host}:{asked.port}: {str(error).rstrip('.')}.")
    if asked.until_eof:
        Thread(target=_end_with_input, daemon=True).start()
    gc.collect()
    gc.freeze()  # a large workspace stays; there is no use in looking for garbage in it
    serve(emulator, bound, ready=lambda url: _ready(emulator, url, as_json=asked.json))


def _seconds(milliseconds: float) -> float:
    if not 0 <= milliseconds < math.inf:
        raise ValueError(f"{milliseconds:g} is no latency: give milliseconds, 0 or more.")
    return milliseconds / 1000


def _recording(paths: list[Path] | None) -> Recording | None:
    if not paths:
        return None
    recording = Recording()
    for path in paths:
        try:
            recording.read(path)
        except OSError as error:
            raise ValueError(f"Cannot read the recording {path}: {error.strerror}.") from None
    return recording


def _ready(emulator: Emulator, url: str, *, as_json: bool) -> None:
    if as_json:
        line = json.dumps({"url": url, "token": emulator.token, "root_page_id": emulator.root_page_id})
    else:
        line = f"Notion is at {url}\ntoken {emulator.token}\nroot page {emulator.root_page_id}\ncontrol {url}/_emulator/"
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _end_with_input() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _fail(sentence: str) -> NoReturn:
    sys.stderr.write(f"{sentence}\n")
    sys.exit(2)


if __name__ == "__main__":
    main()
