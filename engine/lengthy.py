"""instr, replace and trim over long texts in a time that follows their lengths.

SQLite's own take a time that follows the product of two lengths, and nothing can stop them
meanwhile: `instr` of a text of 800,000 letters and one of 400,000 ran eleven seconds past its
limit. These stand in their place on connections whose time is limited. Whatever is no text
goes to SQLite's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apsw

STEPS_MAX = 10_000_000
"""What SQLite may do itself: the product of two lengths, a few milliseconds."""
_FEW = 50


def register(db: apsw.Connection) -> None:
    """Put these in the place of SQLite's."""
    made = _Lengthy(db)
    functions: tuple[tuple[str, int, Callable[..., Any]], ...] = (
        ("instr", 2, made.instr),
        ("replace", 3, made.replace),
        ("trim", 2, made.trim),
        ("ltrim", 2, made.ltrim),
        ("rtrim", 2, made.rtrim),
    )
    for name, count, called in functions:
        db.create_scalar_function(name, called, count, deterministic=True)


class _Lengthy:
    """The functions of one connection."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._plain = apsw.Connection(":memory:")

    def instr(self, text: Any, part: Any) -> Any:
        if type(text) is type(part) and type(text) in (str, bytes):
            return text.find(part) + 1
        return self._ask("instr(?,?)", text, part)

    def replace(self, text: Any, part: Any, new: Any) -> Any:
        is_text = type(text) is type(part) is type(new) is str
        if not is_text or not part or part[0] == "\0":
            return self._ask("replace(?,?,?)", text, part, new)
        count = text.count(part)
        if len(text) + count * (len(new) - len(part)) > self._length():
            raise apsw.TooBigError("string or blob too big")
        return text.replace(part, new)

    def trim(self, text: Any, letters: Any) -> Any:
        return self.ltrim(self.rtrim(text, letters), letters)

    def ltrim(self, text: Any, letters: Any) -> Any:
        if not (type(text) is type(letters) is str):
            return self._ask("ltrim(?,?)", text, letters)
        letters = _up_to_nul(letters)
        if len(letters) < _FEW:
            return text.lstrip(letters) if letters else text
        among, at = set(letters), 0
        while at < len(text) and text[at] in among:
            at += 1
        return text[at:]

    def rtrim(self, text: Any, letters: Any) -> Any:
        if not (type(text) is type(letters) is str):
            return self._ask("rtrim(?,?)", text, letters)
        letters = _up_to_nul(letters)
        if len(letters) < _FEW:
            return text.rstrip(letters) if letters else text
        among, at = set(letters), len(text)
        while at and text[at - 1] in among:
            at -= 1
        return text[:at]

    def _ask(self, call: str, text: Any, part: Any, *more: Any) -> Any:
        if _length_of(text) * _length_of(part) > STEPS_MAX:
            raise apsw.TooBigError("string or blob too big")
        return self._plain.execute(f"SELECT {call}", (text, part, *more)).get

    def _length(self) -> int:
        return self._db.limit(apsw.SQLITE_LIMIT_LENGTH)


def _up_to_nul(letters: str) -> str:
    """SQLite reads the letters to be trimmed up to the first NUL."""
    return letters.partition("\0")[0]


def _length_of(value: Any) -> int:
    return len(value) if isinstance(value, (str, bytes)) else 0
