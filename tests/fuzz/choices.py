"""Bytes as a list of choices, so that what libFuzzer changes in them changes what is built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

NUMBERS = (
    0, 1, 2, 3, -1, 7, 120, 255, 256, 2**16, 2**20 - 1, 2**20, 2**31, 2**32, 2**42, 2**43,
    2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), -(2**31), 1_700_000_000_000_000,
    253_402_300_799_999_999, 253_402_300_800_000_000, -62_135_596_800_000_000,
)  # fmt: skip
REALS = (0.0, 1.0, 0.5, -0.0, 0.1, 2.0, -1.0, 1e308, -1e308, 5e-324, float("inf"), float("nan"))
TEXTS = (
    "", "a", "s", "p", "auth/jwt", "tag", "x", "*", "[", "[^", "é", "\0", "a\0b", "\x1b[31m", "'",
    '"', "\u202e", "a" * 300, "\ufeff", "a\nb", "../../x", "%s%n", "{}", "[]", "NULL", "0", "a:",
    "a:1f3c", "🙂", "*" * 200 + "b", " ", "-24h", "now", "approved", "hard", "one", "\U0010ffff",
)  # fmt: skip


class Choices:
    """Takes choices off the front of the bytes; when they are used up, the first of each."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_over(self) -> bool:
        """Whether the bytes are used up."""
        return self._at >= len(self._data)

    def byte(self) -> int:
        """0 to 255."""
        if self.is_over:
            return 0
        self._at += 1
        return self._data[self._at - 1]

    def below(self, limit: int) -> int:
        """A number from 0 to limit - 1."""
        if limit <= 256:
            return self.byte() % limit
        return int.from_bytes(bytes([self.byte(), self.byte(), self.byte()]), "little") % limit

    def pick(self, several: Sequence[T]) -> T:
        """One of them."""
        return several[self.below(len(several))]

    def often(self) -> bool:
        """True, but one time in eight."""
        return self.byte() % 8 != 7

    def seldom(self) -> bool:
        """False, but one time in eight."""
        return not self.often()

    def number(self) -> int:
        """A whole number: small, or at an edge, or any of 64 bits."""
        kind = self.byte()
        if kind < 128:
            return kind % 16
        if kind < 224:
            return self.pick(NUMBERS)
        return int.from_bytes(self.blob(8), "little", signed=True)

    def real(self) -> float:
        """A number with a point, or none."""
        return self.pick(REALS)

    def blob(self, size: int) -> bytes:
        """So many bytes."""
        return bytes(self.byte() for _ in range(size))

    def text(self) -> str:
        """A text: one of those that upset, or one of any characters."""
        if self.often():
            return self.pick(TEXTS)
        return self.blob(self.below(40)).decode("latin-1")

    def rest(self) -> bytes:
        """All that is left."""
        left, self._at = self._data[self._at :], len(self._data)
        return left
