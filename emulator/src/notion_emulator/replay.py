"""Recorded answers, given again: a request that was recorded gets what Notion said then.

A recording is a JSON-lines file of ``{case, request: {method, path, version, body}, response: {status, headers, body}}``.
Method, path with query, version and body must agree (ids with or without dashes, query in any order; the body of a GET
does not count). A request recorded several times gets one answer after the other, then the last one again.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson

from notion_emulator.ids import UUID

__all__ = ["Recorded", "Recording"]

Json = dict[str, Any]
Key = tuple[str, str, tuple[tuple[str, str], ...], str, bytes]
HOP = frozenset({
    "content-length", "content-encoding", "transfer-encoding", "connection", "date", "alt-svc", "set-cookie",
})  # fmt: skip
MULTIPART = b'"<multipart>"'


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(slots=True)
class Recording:
    """The answers of some files, by request."""

    answers: dict[Key, list[Recorded]] = field(default_factory=dict)
    given: dict[Key, int] = field(default_factory=dict)

    def read(self, path: Path) -> None:
        """Add a file. Raises OSError, or ValueError with the line that is no recording."""
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            if line.strip():
                try:
                    self._add(orjson.loads(line))
                except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError) as error:
                    raise ValueError(f"{path}, line {number}, is no recorded exchange: {error}.") from None

    def _add(self, exchange: Json) -> None:
        request, response = exchange["request"], exchange["response"]
        path, _, query = request["path"].partition("?")
        body = request.get("body")
        encoded = b"" if body is None else orjson.dumps(body)
        answer = response["body"]
        headers = tuple(
            (name, value) for name, value in response.get("headers", {}).items() if name.lower() not in HOP
        )
        key = _key(request["method"], path, query, version=request.get("version") or "", body=encoded)
        recorded = Recorded(
            response["status"], headers, answer.encode() if isinstance(answer, str) else orjson.dumps(answer)
        )
        self.answers.setdefault(key, []).append(recorded)

    def answer(
        self, method: str, path: str, query: str, *, version: str, body: bytes, multipart: bool = False
    ) -> Recorded | None:
        """The next answer recorded for a request; None where it was never recorded."""
        key = _key(method, path, query, version=version, body=MULTIPART if multipart else body)
        answers = self.answers.get(key)
        if not answers:
            return None
        place = self.given.get(key, 0)
        self.given[key] = place + 1
        return answers[min(place, len(answers) - 1)]


def _key(method: str, path: str, query: str, *, version: str, body: bytes) -> Key:
    plain = re.sub(UUID, lambda found: found[0].replace("-", ""), path.rstrip("/").lower())
    pairs = tuple(
        sorted((name, value.replace("-", "")) for name, value in parse_qsl(query, keep_blank_values=True))
    )
    return method, plain, pairs, version, b"" if method in ("GET", "DELETE") else _canonical(body)


def _canonical(body: bytes) -> bytes:
    """The same bytes for the same JSON; an empty object counts as no body."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS) if value else b""
