"""Numbers of things in reports."""

from __future__ import annotations


def counted(number: int, what: str) -> str:
    """A number and what it counts.

    >>> counted(1, "commit"), counted(0, "new assertion")
    ('1 commit', '0 new assertions')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
