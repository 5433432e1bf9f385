"""Pages a second without any limit, and the memory of the pull.

Both processes share the machine: the emulator's processor time is shown, since it is part of what is measured. To see where the
pull spends its own: ``python -m cProfile -o pull.prof -m syncline pull bench --full`` on the folder that ``--keep`` leaves.
"""

import argparse
from pathlib import Path

from bench.harness import MEBIBYTE, Emulator, Home, Result, command, scratch

__all__ = ["LARGE", "NESTED", "measure"]

WORKSPACE = "generated:pages=820,rows=5200,blocks=46940,depth=2,data_sources=2,long_pages=20,seed=1"
"""Mostly rows with a few blocks each, as in the workspace on which the peers were measured, twenty times as large."""

NESTED = "generated:pages=1000,rows=2000,blocks=90000,depth=3,data_sources=5,long_pages=10,seed=3"
"""Thirty blocks a page, in three listings a page."""

LARGE = (
    "generated:pages=8000,rows=22000,blocks=1000000,depth=3,data_sources=20,long_pages=100,giant=50000,seed=4"
)


def measure(workspace: str = WORKSPACE, *, folder: Path | None = None) -> Result:
    with scratch() as temporary, Emulator(workspace) as emulator:
        home = Home(folder or temporary)
        home.connect(emulator)
        before = emulator.cpu()
        pulled = home.pull("--full")
        served = emulator.cpu() - before
        blocks = emulator.ask("/_emulator/figures")["blocks"]
    pages = int(pulled.report["pages"]["seen"])
    seconds = float(pulled.report["seconds"])
    row = (
        str(pages), str(blocks), str(pulled.made), f"{seconds:.1f} s", f"{pages / seconds:.0f}",
        f"{blocks / seconds:.0f}", f"{pulled.cpu:.1f} s", f"{served:.1f} s", f"{pulled.peak / MEBIBYTE:.0f} MiB",
    )  # fmt: skip
    return Result(
        "Speed and memory without a limit",
        command(),
        (
            "pages",
            "blocks",
            "requests",
            "time",
            "pages/s",
            "blocks/s",
            "pull's CPU",
            "emulator's CPU",
            "peak memory",
        ),
        [row],
        f"Workspace `{workspace}`. Peak memory is that of the pull alone.",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", default=WORKSPACE)
    parser.add_argument(
        "--large", action="store_const", dest="workspace", const=LARGE, help="1,000,000 blocks"
    )
    parser.add_argument("--keep", type=Path, help="data folder to leave behind")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    measure(arguments.workspace, folder=arguments.keep).show(as_json=arguments.json)


if __name__ == "__main__":
    main()
