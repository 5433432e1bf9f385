"""The parts of a multipart/form-data body (RFC 7578)."""

import re
from dataclasses import dataclass

from notion_emulator.errors import ValidationFailed

__all__ = ["Part", "parse"]

NAME = re.compile(r'\bname="((?:[^"\\]|\\.)*)"')
FILENAME = re.compile(r'\bfilename="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Part:
    """One field: its bytes, and of a file its name and type."""

    data: bytes
    filename: str | None = None
    content_type: str | None = None


def parse(body: bytes, content_type: str) -> dict[str, Part]:
    """The parts by name. Raises ValidationFailed where the body is no such form."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if found is None:
        raise ValidationFailed("Content-Type should be multipart/form-data with a boundary.")
    edge = b"--" + found[1].encode()
    parts: dict[str, Part] = {}
    for chunk in (b"\r\n" + body).split(b"\r\n" + edge)[1:]:
        head, blank, data = chunk.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not blank or chunk.startswith(b"--"):
            continue
        headers = dict(_header(line) for line in head.decode("utf-8", "replace").split("\r\n") if ":" in line)
        disposition = headers.get("content-disposition", "")
        if name := NAME.search(disposition):
            filename = FILENAME.search(disposition)
            parts[name[1]] = Part(data, filename[1] if filename else None, headers.get("content-type"))
    return parts


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()
