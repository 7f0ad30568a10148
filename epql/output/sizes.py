"""Bytes for people."""

from __future__ import annotations


def size(count: int) -> str:
    """A number of bytes, as people say it.

    >>> size(1), size(900), size(1_234_567)
    ('1 byte', '900 bytes', '1.2 MB')
    """
    if count < 1000:
        return f"{count} byte{'' if count == 1 else 's'}"
    number, unit = count / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if number < 1000:
            break
        number, unit = number / 1000, larger
    return f"{number:.1f} {unit}"
