"""Ports for servers that cannot choose one themselves."""

import random
import socket
from contextlib import suppress

__all__ = ["free_port"]


def free_port() -> int:
    """A port of this machine that nobody has, of those that the system gives to nobody who asks for any."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
