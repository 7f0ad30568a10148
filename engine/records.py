"""The records of the journal: what each kind holds, and its one byte form.

Records are msgspec Structs written as msgpack arrays: fields in fixed order, maps as sorted
pairs, so that the same content has the same bytes and the same BLAKE3 everywhere.
Not here: what a record means for the index (engine/index/fold.py), and where it stands in a
file (engine/journal). The format page is docs/formats/records.md.

An assertion's digest covers its content only: neither transaction nor state. Event records
carry their transaction and their place in it, so that the same event can happen twice.
"""

from __future__ import annotations

import msgspec

from epql.engine.digest import digest

Object = str | int | float
"""What a predicate may point to; the type is part of the content (1 is not 1.0).

Bytes are left out: knowledge is read by people and agents; a blob belongs in a file that an
object names."""


class Assertion(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Kind H. What somebody believes. Instants in microseconds UTC; None is an open end.

    `valid_from_tx`: when not 0, valid time starts at the instant of that commit (SUPERSEDE
    without FROM): the transaction number is known before the commit's instant is.
    """

    subject: str
    predicate: str
    object: Object
    confidence: float
    agent: str
    source: str | None = None
    valid_from: int | None = None
    valid_to: int | None = None
    valid_from_tx: int = 0
    parents: tuple[bytes, ...] = ()
    qualifiers: tuple[tuple[str, Object], ...] = ()
    key: str | None = None


class Transition(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Kind L. An assertion moves to another lifecycle state.

    `cut`: a SUPERSEDE with world time ends the assertion's valid time there, and only what
    lies behind it becomes superseded; `cut_tx`: the cut is the instant of that commit.
    """

    tx: int
    order: int
    assertion: bytes
    was: str
    state: str
    via: str
    agent: str
    reason: str | None = None
    by: bytes | None = None
    cut: int | None = None
    cut_tx: int = 0


class Epoch(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Kind E. A name for the state just after this commit."""

    tx: int
    name: str
    agent: str


class Declaration(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Kind D. DEFINE …: `what` is 'predicate', 'query', 'policy', 'agent' or 'topic'."""

    tx: int
    order: int
    what: str
    name: str
    body: tuple[tuple[str, Object | None], ...]
    agent: str


class Vote(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Kind V. An agent speaks for or against an assertion; its latest vote counts."""

    tx: int
    order: int
    assertion: bytes
    is_for: bool
    weight: float
    agent: str
    reason: str | None = None


class Constraint(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Kind C. FORBID: a rule against triples; its digest is the rule's id.

    The texts of the triple are GLOB patterns, '*' for anything; a number is meant exactly.
    `when` is the text of a condition on the asserted row. `correction`: the digest of the
    assertion whose CORRECT brought the rule.
    """

    tx: int
    order: int
    subject: str
    predicate: str
    object: Object
    agent: str
    when: str | None = None
    severity: str = "hard"
    prefer: Object | None = None
    reason: str | None = None
    correction: bytes | None = None


class Repeal(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Kind R. A rule ends."""

    tx: int
    order: int
    rule: bytes
    agent: str
    reason: str | None = None


class Correction(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Kind X. We were wrong about an assertion. `successor` and `rule` came with it."""

    tx: int
    order: int
    assertion: bytes
    agent: str
    reason: str | None = None
    successor: bytes | None = None
    rule: bytes | None = None


class Use(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Kind U. Something was used or checked again, and is fresh again.

    `what`: 'assertion' (CONFIRM) or 'rule' (CHECK, or an ASSERT that met it); `target` its digest.
    """

    tx: int
    order: int
    what: str
    target: bytes
    agent: str
    source: str | None = None
    reason: str | None = None


class TrustChange(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Kind T. An agent's record on a topic changes: successes and failures that are added.

    `role`: why it is the agent's concern ('author', 'approver', 'voter', 'reader', 'deriver',
    'approved', 'undone'); `cause`: the digest of the correction or move that led to it;
    `assertion`: what it is about; `hops`: steps of derivation between.
    """

    tx: int
    order: int
    agent: str
    topic: str
    successes: float
    failures: float
    role: str
    cause: bytes
    assertion: bytes
    hops: int = 0


class Flag(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Kind F. A derived assertion lost its ground: `cause` is what happened to the ground."""

    tx: int
    order: int
    assertion: bytes
    cause: bytes
    reason: str


class Tended(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Kind G. The gardener has done all that a correction asks for."""

    tx: int
    order: int
    correction: bytes


class CommitInfo(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Kind M. The first record of each frame: who committed, and where it came from.

    `origin`: 'local', or 'backfill' for history that happened elsewhere; `key` then names
    the imported commit, so that importing it again adds nothing.
    """

    tx: int
    agent: str
    origin: str = "local"
    key: str | None = None


Record = (
    Assertion
    | Transition
    | Epoch
    | Declaration
    | CommitInfo
    | Vote
    | Constraint
    | Repeal
    | Correction
    | Use
    | TrustChange
    | Flag
    | Tended
)

KINDS: dict[str, type[Record]] = {
    "H": Assertion,
    "L": Transition,
    "E": Epoch,
    "D": Declaration,
    "M": CommitInfo,
    "V": Vote,
    "C": Constraint,
    "R": Repeal,
    "X": Correction,
    "U": Use,
    "T": TrustChange,
    "F": Flag,
    "G": Tended,
}
"""One letter a kind; with a colon it is the prefix of the record's key in the store."""

_KIND_OF = {cls: kind for kind, cls in KINDS.items()}
_ENCODER = msgspec.msgpack.Encoder()
_DECODERS = {kind: msgspec.msgpack.Decoder(cls) for kind, cls in KINDS.items()}

encode = _ENCODER.encode


def kind_of(record: Record) -> str:
    """The letter of a record's kind."""
    return _KIND_OF[type(record)]


def decode(kind: str, data: bytes | memoryview) -> Record:
    """Read a record back. Raises msgspec.DecodeError (or KeyError for an unknown kind)."""
    return _DECODERS[kind].decode(data)


def key_of(kind: str, data: bytes) -> bytes:
    """The record's key in the store: prefix and content address.

    >>> key_of("E", encode(Epoch(1, "release", "me")))[:2]
    b'E:'
    """
    return kind.encode() + b":" + digest(data)


def assertion_id(address: bytes) -> str:
    """How an assertion is named everywhere: 'a:' and its digest in hex."""
    return "a:" + address.hex()
