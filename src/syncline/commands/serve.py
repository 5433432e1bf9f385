"""What the command that serves does."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from syncline.app import App
from syncline.delivery import mail
from syncline.mapping.file import read_mapping
from syncline.serve import Asked, Role, serve
from syncline.settings import Settings
from syncline.terminal import Terminal

__all__ = ["serve_here"]


async def serve_here(
    terminal: Terminal, *, role: str, host: str, port: int, concurrency: int, mappings: Sequence[Path]
) -> None:
    """Open the store and serve until told to stop. `mappings` take the place of those of the settings."""
    settings = _settings(mappings)
    for file in settings.mappings:
        read_mapping(file)  # said now, and not to a log
    if settings.smtp_url is not None:
        mail.server(settings.smtp_url.get_secret_value())  # said now, and not with the first mail
    # Ours at the level that was asked for; of others only what is wrong: theirs would show statements with their values.
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("syncline").setLevel(settings.log_level.upper())
    asked = Asked(Role(role), host=host, port=port, concurrency=concurrency)
    async with App.open(settings) as app:
        await serve(app, asked, terminal.result)
    terminal.note("Stopped.")


def _settings(mappings: Sequence[Path]) -> Settings:
    settings = Settings.load()
    if not mappings:
        return settings
    return settings.model_copy(update={"mappings": tuple(file.absolute() for file in mappings)})
