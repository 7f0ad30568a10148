"""Content-addressed objects: the key is kind and digest, the value a position.

Assertions are found by `Addresses`, everything else by a KVStore.

A position is the record's place in the journal, (transaction, order in its commit), as one
number `seq`: what was recorded later has the higher one. The bytes stay in the journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple, NewType

from epql.engine.errors import ProgrammingError
from epql.engine.store.addresses import Addresses
from epql.engine.store.kv import KVStore

Seq = NewType("Seq", int)

_ASSERTION = b"H:"
_ORDER_BITS = 20
RECORDS_MAX = (1 << _ORDER_BITS) - 1
"""Records of one commit at most, the commit's own included."""

_ID_DIGITS_MIN = 4
_ID_DIGITS = 64


def seq_of(tx: int, order: int) -> int:
    """The position of a record as one number."""
    return tx << _ORDER_BITS | order


def tx_of(seq: int) -> int:
    """The transaction in which a record was written."""
    return seq >> _ORDER_BITS


def order_of(seq: int) -> int:
    """The record's place in its commit, from 0."""
    return seq & RECORDS_MAX


TX_OF_SEQ = f"{{}} >> {_ORDER_BITS}"
"""SQL for tx_of, to be formatted with the column."""


class Objects:
    """Records by content address."""

    def __init__(self, kv: KVStore, addresses: Addresses) -> None:
        self._kv = kv
        self.addresses = addresses

    def add(self, key: bytes, seq: int) -> None:
        """Remember a record that is no assertion; key is `records.key_of`."""
        self._kv.put(key, seq.to_bytes(8, "big"))

    def find(self, key: bytes) -> int | None:
        """The seq of the record's first appearance, or None."""
        if key.startswith(_ASSERTION):
            return self.addresses.find(key[2:])
        value = self._kv.get(key)
        return None if value is None else int.from_bytes(value, "big")

    def _beginning(self, kind: str, whole: bytes) -> Iterator[tuple[bytes, int]]:
        """(digest, seq) of the records of a kind whose digests begin so, in order."""
        if kind == "H":
            return self.addresses.scan_prefix(whole)
        pairs = self._kv.scan_prefix(kind.encode() + b":" + whole)
        return ((key[2:], int.from_bytes(value, "big")) for key, value in pairs)

    def resolve(self, name: str, kind: str = "H") -> tuple[bytes, int]:
        """The (digest, seq) of the record that an id or an unambiguous prefix names.

        `kind` is a key of NAMED. Raises: ProgrammingError `id.malformed`, `id.too_short`,
        `id.unknown`, `id.ambiguous`.
        """
        named = NAMED[kind]
        digits = digits_of(name, named.prefix, named.what)
        whole = bytes.fromhex(digits[: len(digits) // 2 * 2])
        found: list[tuple[bytes, int]] = []
        for digest, seq in self._beginning(kind, whole):
            if digest.hex().startswith(digits):
                found.append((digest, seq))
                if len(found) > 1:
                    raise ambiguous(name, [named.prefix + key.hex() for key, _ in found])
        if not found:
            raise ProgrammingError(
                f"no {named.what.partition(' ')[2]} has the id {name!r}",
                code="id.unknown",
                hint=f"{named.listing} lists them",
            )
        return found[0]

    def beginning(self, digits: str, limit: int, kind: str = "H") -> list[int]:
        """The seqs of the first records, in the order of their ids, whose ids begin with digits."""
        wholes = [digits] if len(digits) % 2 == 0 else [digits + end for end in "0123456789abcdef"]
        found: list[int] = []
        for whole in wholes:  # each is a seek
            pairs = self._beginning(kind, bytes.fromhex(whole))
            found += [seq for _, seq in islice(pairs, limit - len(found))]
        return found


class Named(NamedTuple):
    """A kind of record that people name by id: what it is, how its ids begin, what lists them."""

    what: str
    prefix: str
    listing: str


NAMED = {
    "H": Named("an assertion", "a:", "SELECT id FROM assertions LIFECYCLE ANY VALID ANYTIME"),
    "C": Named("a rule", "c:", "SELECT id FROM constraints"),
}
"""The kinds of records that have ids."""


def digits_of(name: str, prefix: str, what: str) -> str:
    """The hex digits of an id as a person writes it; `prefix` says what it names.

    Raises: ProgrammingError `id.malformed`, `id.too_short`.
    """
    digits = name[2:].lower() if name[:2].lower() == prefix else ""
    if not digits or set(digits) - set("0123456789abcdef") or len(digits) > _ID_DIGITS:
        raise malformed(name, prefix, what)
    if len(digits) < _ID_DIGITS_MIN:
        raise ProgrammingError(
            f"the id {name!r} is too short",
            code="id.too_short",
            hint=f"give at least {_ID_DIGITS_MIN} digits",
        )
    return digits


def malformed(name: object, prefix: str, what: str) -> ProgrammingError:
    """What is said of a value that is no id of that kind."""
    return ProgrammingError(
        f"{name!r} is not the id of {what}",
        code="id.malformed",
        hint=f"an id is {prefix!r} and hexadecimal digits, such as '{prefix}1f3c9e'",
    )


def ambiguous(name: str, found: Iterable[str]) -> ProgrammingError:
    """The error for a prefix that fits several ids."""
    shown = " and ".join(one[:18] for one in found)
    return ProgrammingError(
        f"the id {name!r} is ambiguous",
        code="id.ambiguous",
        hint=f"it fits {shown}; give more digits",
    )
