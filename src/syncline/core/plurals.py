"""Numbers in sentences: one is singular."""

__all__ = ["be", "counted"]


def counted(count: int, noun: str) -> str:
    """`1 page`, `2,000 pages`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def be(count: int) -> str:
    """`is` of one, `are` of all other numbers."""
    return "is" if count == 1 else "are"
