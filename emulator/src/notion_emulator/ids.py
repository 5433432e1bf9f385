"""Identifiers as Notion makes them.

Version 8 for nearly everything the API creates: days since 2024-01-01 in three hex digits, nine digits of the
workspace, ``80`` (made in the app) or ``81`` (made through the API), and a table tag in the last group. Databases and
older objects are random version 4. Seen in recorded answers; a client must not depend on any of it.
"""

import re
from dataclasses import dataclass
from random import Random

__all__ = ["EPOCH_DAY", "TAGS", "Ids", "dashed", "undashed"]

EPOCH_DAY = 19_723  # 2024-01-01 in days since 1970-01-01
DAY = 86_400_000
TAGS = {
    "data_source": "000b",
    "view": "000c",
    "discussion": "001c",
    "comment": "001d",
    "file_upload": "00b2",
    "bot": "0027",
}
UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
NIL = "0" * 32


@dataclass(slots=True)
class Ids:
    """The id maker of one workspace; equal seeds and equal calls give equal ids."""

    random: Random
    workspace: str  # nine hex digits

    def node(self, at: int, *, tag: str = "", via: str = "81") -> str:
        """A version 8 id for an object made at ``at`` milliseconds; ``tag`` is a key of TAGS or empty."""
        bits = self.random.getrandbits(80)
        day = max(at // DAY - EPOCH_DAY, 0) & 0xFFF
        place = self.workspace
        last = f"{TAGS[tag]}{bits & 0xFFFFFFFF:08x}" if tag else f"{bits & 0xFFFFFFFFFFFF:012x}"
        rest = bits >> 48
        variant = 0x8000 | rest & 0x3FFF
        return f"{day:03x}{place[:5]}-{place[5:]}-{via}{rest >> 24:02x}-{variant:04x}-{last}"

    def random_v4(self) -> str:
        """A version 4 id: databases, users, view queries, requests, sessions."""
        bits = self.random.getrandbits(128)
        third = 0x4000 | bits >> 64 & 0x0FFF
        fourth = 0x8000 | bits >> 48 & 0x3FFF
        return f"{bits >> 96:08x}-{bits >> 80 & 0xFFFF:04x}-{third:04x}-{fourth:04x}-{bits & 0xFFFFFFFFFFFF:012x}"


def dashed(text: str) -> str | None:
    """The dashed lower-case form of a UUID written with or without dashes; None when it is none.

    A wrong variant nibble is refused, the nil UUID is not (recorded answers).
    """
    if (len(text) == 36 and text[8] == text[13] == text[18] == text[23] == "-") or len(text) == 32:
        low = text.lower()
        if UUID.fullmatch(low):
            bare = low.replace("-", "")
            if bare[16] in "89ab" or bare == NIL:
                return f"{bare[:8]}-{bare[8:12]}-{bare[12:16]}-{bare[16:20]}-{bare[20:]}"
    return None


def undashed(id_: str) -> str:
    """The 32 hex digits of an id, as URLs carry them."""
    return id_.replace("-", "")
