"""Mail: what the service sends to people, where SYNCLINE_SMTP_URL says how. Without it nothing is sent, and the operator hands links over."""

import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from syncline.core.errors import BadInput, Unreachable
from syncline.core.surrogates import legible

__all__ = [
    "Server",
    "invitation",
    "is_address",
    "notification",
    "reset",
    "send",
    "server",
    "token_died",
    "verification",
]

_PORTS: Final = {"smtp": 587, "smtps": 465}
_PATIENCE: Final = 20.0
_ADDRESS: Final = re.compile(r"""[^\s@,;:<>()\[\]\\"]{1,64}@[^\s@,;:<>()\[\]\\"]{1,255}""")


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail goes. With ``smtp`` the connection is encrypted as soon as the server offers it, with ``smtps`` from the beginning."""

    host: str
    port: int
    encrypted: bool
    user: str | None
    password: str | None = field(repr=False)
    sender: str


def server(url: str) -> Server:
    """Read ``smtp[s]://USER:PASSWORD@HOST:PORT?from=ADDRESS``. Raises BadInput."""
    parts = urlsplit(url)
    sender = parse_qs(parts.query).get("from", [unquote(parts.username or "")])[0]
    try:
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        raise BadInput("SYNCLINE_SMTP_URL is not valid: write smtp://USER:PASSWORD@HOST:PORT.") from None
    if not parts.hostname or "@" not in sender:
        raise BadInput("SYNCLINE_SMTP_URL is not valid: it needs a host and ?from=ADDRESS.")
    return Server(
        host=parts.hostname,
        port=port,
        encrypted=parts.scheme == "smtps",
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        sender=sender,
    )


def is_address(text: str) -> bool:
    """Whether mail can be sent to a text: one mailbox, and nothing that a header could take for more than its name."""
    return text.isprintable() and _ADDRESS.fullmatch(text) is not None


def reset(to: str, link: str) -> EmailMessage:
    """A link with which a password can be set."""
    return _message(
        to,
        "Set a new password for Syncline",
        f"Somebody, you perhaps, asked for a new password for this address.\n\n{link}\n\n"
        "The link works once and for an hour. If it was not you, there is nothing to do.\n",
    )


def verification(to: str, link: str) -> EmailMessage:
    """A link that proves the address."""
    return _message(
        to,
        "Confirm your address for Syncline",
        f"Somebody registered with this address. If it was you, confirm it:\n\n{link}\n\n"
        "The link works once, within a day, with the password of the account. If it was not you, there is nothing to do.\n",
    )


def invitation(to: str, link: str, *, workspace: str | None) -> EmailMessage:
    """A link with which somebody joins."""
    where = f" to {' '.join(workspace.split())}" if workspace else ""
    return _message(
        to,
        f"You are invited{where} on Syncline",
        f"You are invited{where}.\n\n{link}\n\nThe link works once.\n",
    )


def token_died(to: str, link: str, *, workspace: str) -> EmailMessage:
    """Somebody has to connect a workspace again."""
    name = " ".join(workspace.split())
    return _message(
        to,
        f"Syncline cannot read {name} any more",
        f"Notion refuses the token of {name}, so it is not synced. Connect it again:\n\n{link}\n\n"
        "What was read stays. You get this once.\n",
    )


def notification(to: str, subject: str, text: str) -> EmailMessage:
    """What a rule tells."""
    return _message(to, " ".join(subject.split()), f"{text}\n")


async def send(server: Server, message: EmailMessage, *, name: str | None = None) -> None:
    """Send a message. Raises Unreachable if the server does not take it.

    One that is sent again under the same `name` bears the same Message-ID, so that whoever has it already can tell.
    """
    message["From"] = server.sender
    message["Date"] = formatdate()
    domain = server.sender.rpartition("@")[2].rstrip("> ")
    message["Message-ID"] = f"<{name}@{domain}>" if name is not None else make_msgid(domain=domain)
    try:
        await aiosmtplib.send(
            message,
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.encrypted,
            timeout=_PATIENCE,
        )
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Unreachable(f"The mail server {server.host} does not take mail: {error}") from error


def _message(to: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["To"] = to
    message["Subject"] = legible(subject)
    message.set_content(legible(text))
    return message
