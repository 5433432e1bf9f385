"""A mail server of one's own: what it takes in, a test may read."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from tests.ports import free_port

__all__ = ["Mailbox", "mailbox"]


@dataclass(slots=True)
class Mailbox:
    """Where mail arrives. `url` is what SYNCLINE_SMTP_URL takes."""

    url: str
    letters: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append((envelope.mail_from, envelope.rcpt_tos, letter))
        return "250 OK"

    def token(self) -> str:
        """The token in the link of the last letter."""
        found = re.search(r"#token=(\S+)", self.letters[-1][2].get_content())
        assert found is not None
        return found[1]


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A server on a free port of this machine."""
    port = free_port()
    box = Mailbox(f"smtp://127.0.0.1:{port}?from=syncline@example.com")
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
