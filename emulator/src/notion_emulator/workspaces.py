"""The workspaces that ``serve --workspace`` knows: sample, empty, generated:…, or a file saved before."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from notion_emulator import snapshot
from notion_emulator.emulator import Emulator
from notion_emulator.seed import Sizes, generate
from notion_emulator.world import World

__all__ = ["open_workspace"]

_SIZES = tuple(field.name for field in fields(Sizes))
_MOST = 10_000_000
"""More than a machine of today has memory for."""


def open_workspace(text: str, *, seed: int = 0) -> Emulator:
    """An emulator of the named workspace; worlds of different ``seed`` share no ids. Raises ValueError with one clear sentence."""
    kind, _, rest = text.partition(":")
    if text == "empty":
        return Emulator(world=World(seed=seed))
    if text == "sample":
        world = World("Sample workspace", seed=seed)
        world.connect("Sample connection")
        from notion_emulator import sample  # noqa: PLC0415 - much prose, loaded when asked for

        sample.populate(world)
        return Emulator(world=world)
    if kind == "generated":
        return _generated(rest, seed=seed)
    path = Path(text)
    if not path.is_file():
        raise ValueError(
            f"There is no workspace {text!r}: give sample, empty, generated:… or a file that exists."
        )
    return Emulator(world=snapshot.load(path.read_bytes()))


def _generated(text: str, *, seed: int) -> Emulator:
    sizes: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        if not value.isdecimal():
            raise ValueError(
                f"{part!r} is no size: write name=number, for example generated:pages=40,rows=260,seed=1."
            )
        if name != "seed" and (name not in _SIZES or int(value) > _MOST):
            raise ValueError(f"{part!r}: the sizes are {', '.join(_SIZES)}, each up to {_MOST:,}, and seed.")
        sizes[name] = int(value)
    world = World("Generated workspace", seed=sizes.get("seed", seed))
    world.connect("Generated connection")
    return Emulator(world=world, seeded=generate(world, **sizes))
