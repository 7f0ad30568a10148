"""Texts as GLOB patterns that match nothing but themselves."""

from __future__ import annotations

from epql.engine.records import Object

_MARKS = str.maketrans({"*": "[*]", "?": "[?]", "[": "[[]"})


def literally(value: Object) -> Object:
    """The pattern of exactly this value; a number is meant exactly anyway.

    >>> literally("http/*")
    'http/[*]'
    """
    return value.translate(_MARKS) if isinstance(value, str) else value
