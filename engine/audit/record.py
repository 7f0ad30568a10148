"""The records of the audit: a question, and how it was answered.

Msgspec Structs in the one byte form that engine/records.py describes. `Asked` holds all that
asking again needs; `Answered` comes when the rows are used up or let go, and names its question
by the digest. A question is called 'q:' and the hex of its record's BLAKE3 everywhere.
The page is docs/formats/audit.md.
"""

from __future__ import annotations

from typing import Any

import msgspec

from epql.engine.digest import digest

EXACT, SCANNED = "exact", "scanned"
"""How an assertion was read: it stands behind a row of the answer, or was looked at for one."""


class Asked(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Kind Q. A read, and what it stands on. Instants in microseconds UTC.

    `chain` and `number` make equal questions differ: the name of the connection's log and a
    count in it. `params`: text, numbers, bytes and None, or (name, value) pairs of them; a list,
    as LIFECYCLE ? takes it, is a value of a pair, and stands by place alone in another list (read
    back, a pair is a list; `given` makes of them what a connector takes). `policy`: the tx of the
    last policy declaration, 0 without one. `clauses`: those that stood in the session or the
    transaction, as they are written. `unfiltered`: it read beliefs, assertions, history or changes
    and named no states (LIVE and ANY name none). `present`: the last visible commit; `tx` and
    `clock` are what it saw, which AS OF may have moved.
    """

    at: int
    chain: str
    number: int
    agent: str
    text: str
    params: tuple[Any, ...]
    purpose: str | None
    kind: str
    relations: tuple[str, ...]
    tx: int
    clock: int
    zone: str
    lifecycle: tuple[str, ...]
    resolve: str
    valid_low: int
    valid_high: int
    policy: int = 0
    clauses: str = ""
    unfiltered: bool = False
    present: int = 0

    def given(self) -> tuple[Any, ...] | dict[str, Any]:
        """The parameters as a connector takes them: by place, or by name."""
        if self.params and all(map(_is_pair, self.params)):
            return {str(name): value for name, value in self.params}
        return by_place(self.params)


def by_place(params: tuple[Any, ...]) -> tuple[Any, ...]:
    """Parameters of a question that names none, as a connector takes them.

    >>> by_place((1, [["approved", "review"]]))
    (1, ['approved', 'review'])
    """
    return tuple([p[0] if isinstance(p, (tuple, list)) and len(p) == 1 else p for p in params])


def _is_pair(found: Any) -> bool:
    return isinstance(found, (tuple, list)) and len(found) == 2 and isinstance(found[0], str)


class Answered(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Kind A. What came of a question.

    `query`: the digest of its Asked; `digest`: BLAKE3 over the encoded rows; `reads`: (digest of
    the assertion, code of its state, EXACT or SCANNED), the first of `read_count`; `complete`:
    the rows were used up; `findings`: short names such as 'unfiltered-proposed'.
    """

    query: bytes
    rows: int
    digest: bytes
    reads: tuple[tuple[bytes, int, str], ...] = ()
    read_count: int = 0
    complete: bool = True
    findings: tuple[str, ...] = ()
    error: str | None = None


Record = Asked | Answered

KINDS: dict[str, type[Record]] = {"Q": Asked, "A": Answered}
"""One letter a kind, as in the frames."""

_DECODERS = {kind: msgspec.msgpack.Decoder(cls) for kind, cls in KINDS.items()}

encode = msgspec.msgpack.Encoder().encode


UNREADABLE = (KeyError, msgspec.DecodeError, RecursionError)
"""What `decode` raises for bytes that are no record this program knows."""


def decode(kind: str, data: bytes | memoryview) -> Record:
    """Read a record back. Raises msgspec.DecodeError (or KeyError for an unknown kind)."""
    return _DECODERS[kind].decode(data)


def query_id(address: bytes) -> str:
    """How a question is named everywhere: 'q:' and its digest in hex.

    >>> query_id(bytes(2))
    'q:0000'
    """
    return "q:" + address.hex()


def digest_of(asked: Asked) -> bytes:
    """The digest that names a question."""
    return digest(encode(asked))
