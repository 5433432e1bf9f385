"""Requests of every kind of pull beside the least possible number, and whether everything arrived.

The bound of a full pull is computed twice and must agree: by the emulator, which walks the workspace it serves, and by the pull, from what
it read. The bounds of the other pulls are computed here, from the pages that are changed. Completeness counts the markers
that the generator put into every text.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from bench.harness import Emulator, Home, Pulled, Result, command, scratch

__all__ = ["measure"]

WORKSPACE = (
    "generated:pages=120,rows=600,blocks=6000,depth=4,data_sources=3,long_pages=6,relations=5,comments=20,"
    "synced=3,seed=7"
)
FIDELITIES = ("properties", "markdown", "blocks")
FAULTS = (409, 429, 500, 502, 503, 504, 529, "reset", "truncated")
POLL = 2
"""Listings of an incremental pull: what was edited, and what is in the trash."""

USERS = 1
"""The listing of users, 100 to an answer."""

LATER = 3600
"""Seconds that the emulator's clock is moved between two pulls, so that no edit is in the overlap of the next."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A page's content as the API lists it: requests needed, and the blocks."""

    requests: int
    blocks: tuple[dict[str, Any], ...]


def walk(emulator: Emulator, page: str) -> Walk:
    """Read the blocks of a page, those of its child pages left out."""
    requests, blocks, containers = 0, [], [page]
    while containers:
        container, cursor = containers.pop(), ""
        while True:
            requests += 1
            try:
                listing = emulator.ask(f"/v1/blocks/{container}/children?page_size=100{cursor}")
            except HTTPError:  # a synced copy of what we may not see
                break
            blocks += listing["results"]
            containers += [
                block["id"]
                for block in listing["results"]
                if block["has_children"] and block["type"] not in {"child_page", "child_database"}
            ]
            if not listing["has_more"]:
                break
            cursor = f"&start_cursor={listing['next_cursor']}"
    return Walk(requests, tuple(blocks))


def leaf(emulator: Emulator) -> tuple[str, Walk]:
    """A page with nested blocks and no pages below it."""
    pages = [emulator.root]
    while pages:
        page = pages.pop(0)
        content = walk(emulator, page)
        below = [block["id"] for block in content.blocks if block["type"] == "child_page"]
        if (
            content.requests > 1
            and not below
            and any(block["type"] == "paragraph" for block in content.blocks)
        ):
            return page, content
        pages += below
    raise SystemExit("the workspace has no page that fits")


def edit(emulator: Emulator, content: Walk) -> None:
    """Replace the text of a paragraph, as a person does: the page's time moves."""
    emulator.ask("/_emulator/settings", {"content_bumps_page": True}, method="PATCH")
    block = next(block for block in content.blocks if block["type"] == "paragraph")
    text = {"rich_text": [{"type": "text", "text": {"content": "Edited by the measurement."}}]}
    emulator.ask(f"/v1/blocks/{block['id']}", {"paragraph": text}, method="PATCH")


def trash(emulator: Emulator, page: str) -> None:
    emulator.ask(f"/v1/pages/{page}", {"in_trash": True}, method="PATCH")


def some_row(emulator: Emulator) -> str:
    """A row of a data source."""
    found = emulator.ask("/v1/search", {"filter": {"property": "object", "value": "page"}, "page_size": 100})
    return str(next(page["id"] for page in found["results"] if page["parent"]["type"] == "data_source_id"))


def full(emulator: Emulator, folder: Path) -> Iterator[Sequence[str]]:
    """A first pull in each fidelity."""
    figures = emulator.ask("/_emulator/figures")
    placed = emulator.ask("/_emulator/markers")
    for fidelity in FIDELITIES:
        kinds = {"title", "property"} if fidelity == "properties" else {"title", "property", "block"}
        markers = {marker["text"] for marker in placed if marker["kind"] in kinds}
        home = Home(folder / fidelity)
        home.connect(emulator)
        pulled = home.pull("--fidelity", fidelity)
        kept = f"{len(home.markers() & markers)} of {len(markers)}"
        yield row(f"full, {fidelity}", pulled, figures[f"{fidelity}_bound"] + USERS, kept)


def faulty(emulator: Emulator, folder: Path) -> Iterator[Sequence[str]]:
    """A first pull while each kind of failure strikes two requests in a hundred."""
    home = Home(folder / "faulty")
    home.connect(emulator)
    markers = {marker["text"] for marker in emulator.ask("/_emulator/markers") if marker["kind"] != "comment"}
    bound = emulator.ask("/_emulator/figures")["blocks_bound"] + USERS
    for what in FAULTS:
        emulator.ask("/_emulator/faults", {"what": what, "probability": 0.02, "retry_after": 1})
    pulled = home.pull()
    emulator.ask("/_emulator/faults", method="DELETE")
    kept = f"{len(home.markers() & markers)} of {len(markers)}"
    yield row(f"full, 2 % of each of {len(FAULTS)} faults", pulled, bound, kept)


def later(emulator: Emulator, home: Home, *options: str) -> Pulled:
    """Another pull, an hour after the last change; the next change comes an hour after it."""
    emulator.ask("/_emulator/clock", {"advance": LATER})
    pulled = home.pull(*options)
    emulator.ask("/_emulator/clock", {"advance": LATER})
    return pulled


def changed(emulator: Emulator, home: Home) -> Iterator[Sequence[str]]:
    """Pulls after the first one."""
    yield row("nothing changed", later(emulator, home), POLL)
    page, content = leaf(emulator)
    edit(emulator, content)
    yield row("one page edited", later(emulator, home), POLL + content.requests)
    hub = walk(emulator, emulator.root)
    below = sum(block["type"] == "child_page" for block in hub.blocks)
    edit(emulator, hub)
    yield row(f"a hub with {below} pages below it edited", later(emulator, home), POLL + hub.requests)
    trash(emulator, some_row(emulator))
    yield row("one row trashed", later(emulator, home), POLL + 1)
    parent = emulator.ask(f"/v1/pages/{page}")["parent"]
    trash(emulator, page)
    above = walk(emulator, parent["page_id"]).requests
    yield row("one page trashed, which changes the page above", later(emulator, home), POLL + 1 + above)


def reconciled(emulator: Emulator, home: Home) -> Iterator[Sequence[str]]:
    """Reconciling pulls: nothing absent, then one page unshared."""
    yield row("reconcile", later(emulator, home, "--reconcile"), listing(emulator))
    page, _ = leaf(emulator)
    emulator.ask("/_emulator/shares", {"id": page, "shared": False})
    yield row("reconcile, one page unshared", later(emulator, home, "--reconcile"), listing(emulator) + 1)


def listing(emulator: Emulator) -> int:
    """Requests to list everything."""
    figures = emulator.ask("/_emulator/figures")
    return int(figures["properties_bound"]) - int(figures["truncated"]) + USERS


def row(what: str, pulled: Pulled, bound: int, markers: str = "") -> Sequence[str]:
    incomplete = str(pulled.report["pages"]["incomplete"])
    return (
        what,
        str(pulled.made),
        str(bound),
        str(pulled.bound),
        f"{pulled.made / bound:.3f}",
        markers,
        incomplete,
    )


def measure(workspace: str = WORKSPACE) -> Result:
    with scratch() as folder, Emulator(workspace) as emulator:
        rows = [*full(emulator, folder), *faulty(emulator, folder)]
        home = Home(folder / FIDELITIES[-1])
        rows += [*changed(emulator, home), *reconciled(emulator, home)]
    return Result(
        "Requests of a pull",
        command(),
        ("pull", "requests", "bound", "bound printed", "quotient", "markers kept", "incomplete"),
        rows,
        f"Workspace `{workspace}`. Markers are those of titles and properties, and of blocks where content is read. "
        "The incomplete pages hold synced copies of blocks that are not shared; each is listed by `syncline errors`. "
        f"The faults: {', '.join(map(str, FAULTS))}.",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", default=WORKSPACE)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    measure(arguments.workspace).show(as_json=arguments.json)


if __name__ == "__main__":
    main()
