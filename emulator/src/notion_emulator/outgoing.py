"""What the emulator sends by itself: external files to fetch, webhooks to deliver. HTTP/1.1 on asyncio, no threads."""

import asyncio
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["Failure", "Fetched", "fetched", "posted"]

SECONDS = 10.0
HEAD_MOST = 65_536


class Failure(Exception):
    """The other side did not answer, or not with success."""

    def __init__(self, message: str, *, code: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer's body and type."""

    body: bytes
    content_type: str | None


async def fetched(url: str, *, most: int) -> Fetched:
    """GET an address. Raises Failure for anything but a 200 of at most ``most`` bytes."""
    status, headers, body = await _exchange("GET", url, {}, b"", most=most + HEAD_MOST)
    if status != 200:
        raise Failure(
            f"The file could not be downloaded: status {status}.", code="download_failed", status=status
        )
    if len(body) > most:
        raise Failure("The file is too large.", code="file_too_large")
    return Fetched(body, headers.get("content-type"))


async def posted(url: str, headers: dict[str, str], body: bytes) -> int:
    """POST bytes and return the status; 0 where nobody answered."""
    try:
        status, _, _ = await _exchange("POST", url, headers, body, most=HEAD_MOST)
    except Failure:
        return 0
    return status


async def _exchange(
    method: str, url: str, headers: dict[str, str], body: bytes, *, most: int
) -> tuple[int, dict[str, str], bytes]:
    try:
        async with asyncio.timeout(SECONDS):
            return await _sent(method, url, headers, body, most=most)
    except (OSError, TimeoutError, ValueError, IndexError) as error:
        raise Failure(
            f"The address could not be reached: {type(error).__name__}.", code="unreachable"
        ) from None


async def _sent(
    method: str, url: str, headers: dict[str, str], body: bytes, *, most: int
) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(host, port, ssl=secure)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = {"host": parts.netloc, "connection": "close", "content-length": str(len(body)), **headers}
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in lines.items()
        )
        writer.write(head.encode() + b"\r\n" + body)
        await writer.drain()
        return _read(await _whole(reader, most))
    finally:
        writer.close()


async def _whole(reader: asyncio.StreamReader, most: int) -> bytes:
    chunks, size = [], 0
    while size <= most and (chunk := await reader.read(65_536)):
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)


def _read(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)
    }
    if headers.get("transfer-encoding") == "chunked":
        body = _unchunked(body)
    return int(first.split(" ")[1]), headers, body


def _unchunked(body: bytes) -> bytes:
    result = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if not length:
            break
        result += rest[:length]
        body = rest[length + 2 :]
    return result
