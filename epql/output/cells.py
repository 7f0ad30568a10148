"""One value as the text of a table's cell: escaped, shortened, measured, cut. Pure.

Stored text is other people's: control characters, bidirectional overrides and line separators are
shown as escapes, so that nothing stored can steer the terminal. Not here: how cells become lines
(table.py), nor the exact forms of csv and json (render.py).
"""

from __future__ import annotations

import re
from typing import Any

Value = Any

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})Z")
_ID = re.compile(r"([acqxl]:[0-9a-f]{12})[0-9a-f]{52}")

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape(text: str, *, keep: str = "") -> str:
    r"""The text with what could steer a terminal made visible, except the characters in `keep`.

    >>> escape("\x1b[31mred\n")
    '\\x1b[31mred\\n'
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(lambda m: m[0] if m[0] in keep else _visible(m[0]), text)


def _visible(character: str) -> str:
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def full(value: Value, null: str = "NULL") -> str:
    """A value with all it says, instants and ids too; not escaped."""
    if value is None:
        return null
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return str(value)


def short(value: Value, null: str = "NULL") -> str:
    """A value as a table shows it: ids of 12 digits, instants without trailing zeros, escaped.

    >>> short("2015-01-08T10:00:00.500000Z"), short("2015-01-08T10:00:00.000000Z")
    ('2015-01-08T10:00:00.5Z', '2015-01-08T10:00:00Z')
    >>> short("a:" + "0123456789abcdef" * 4)
    'a:0123456789ab'
    """
    if not isinstance(value, str):
        return full(value, null)
    if len(value) == 27 and (instant := _INSTANT.fullmatch(value)):
        fraction = instant[2].rstrip("0")
        return f"{instant[1]}.{fraction}Z" if fraction else f"{instant[1]}Z"
    if len(value) == 66 and (found := _ID.fullmatch(value)):
        return found[1]
    return escape(value)


def is_rigid(value: Value) -> bool:
    """Whether a value says nothing once it is cut: a number, an instant, an id."""
    if isinstance(value, str):
        return bool(
            (len(value) == 27 and _INSTANT.fullmatch(value))
            or (len(value) == 66 and _ID.fullmatch(value))
        )
    return isinstance(value, (int, float))


def width(text: str) -> int:
    """Columns of the terminal that the text takes.

    >>> width("naïve"), width("知識")
    (5, 4)
    """
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, limit: int) -> str:
    """The text in at most `limit` columns, with … where something is left out.

    >>> cut("knowledge", 5), cut("知識表現", 5), cut("kb", 5)
    ('know…', '知識…', 'kb')
    """
    if width(text) <= limit:
        return text
    if text.isascii():
        return text[: limit - 1] + "…"
    low, high = 0, len(text)
    while low < high:  # the longest start that leaves room for the …
        middle = (low + high + 1) // 2
        if width(text[:middle]) <= limit - 1:
            low = middle
        else:
            high = middle - 1
    return text[:low] + "…"


def pad(text: str, columns: int, right: bool = False) -> str:
    """The text filled up with blanks; `right` puts them before it."""
    blanks = " " * max(0, columns - width(text))
    return blanks + text if right else text + blanks
