"""Records: one byte form, read back as they were; what cannot be understood is set aside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

import epql
from epql.engine.journal.writer import Pending
from epql.engine.records import (
    KINDS,
    Assertion,
    CommitInfo,
    Constraint,
    Correction,
    Declaration,
    Epoch,
    Flag,
    Record,
    Repeal,
    Tended,
    Transition,
    TrustChange,
    Use,
    Vote,
    decode,
    encode,
    key_of,
    kind_of,
)

D = b"\x01" * 32
SAMPLES: list[Record] = [
    Assertion("s", "p", "o", 1.0, "a"),
    Assertion("s", "p", 1, 0.5, "a", "src", 1, 2, 3, (D, D), (("k", "v"), ("l", 1.5)), "key"),
    Assertion("s", "p", 1.0, 0.0, "a", None, -(2**62), 2**62),
    Assertion("s", "p", 2**63 - 1, 0.0, "a"), Assertion("s", "p", -(2**63), 0.0, "a"),
    Assertion("é\U0001f600", "p", "a\x00b", 0.0, "a"),
    Transition(1, 2, D, "proposed", "approved", "TRANSITION", "a"),
    Transition(1, 2, D, "approved", "superseded", "SUPERSEDE", "a", "why", D, 5, 6),
    Epoch(1, "e", "a"), Declaration(1, 2, "predicate", "p", (("type", None),), "a"),
    CommitInfo(1, "a"), CommitInfo(1, "a", "backfill", "k"),
    Vote(1, 2, D, True, 0.5, "a"), Vote(1, 2, D, False, 1.0, "a", "why"),
    Constraint(1, 2, "s*", "p", 1.5, "a", "confidence > 0.5", "soft", "o", "why", D),
    Repeal(1, 2, D, "a"), Correction(1, 2, D, "a", "why", D, D),
    Use(1, 2, "assertion", D, "a", "src", "why"),
    TrustChange(1, 2, "a", "t", 0.0, 0.125, "deriver", D, D, 2),
    Flag(1, 2, D, D, "why"), Tended(1, 2, D),
]  # fmt: skip


@pytest.mark.parametrize("record", SAMPLES)
def test_a_record_is_read_back_as_it_was(record: Record) -> None:
    again = decode(kind_of(record), encode(record))
    assert again == record and encode(again) == encode(record)
    if isinstance(record, Assertion) and isinstance(again, Assertion):
        assert type(again.object) is type(record.object)


def test_every_kind_has_a_sample() -> None:
    assert {kind_of(record) for record in SAMPLES} == set(KINDS)


def test_the_bytes_are_these() -> None:
    assert encode(Epoch(1, "e", "me")).hex() == "9301a165a26d65"
    record = Assertion("s", "p", 1, 0.5, "a")
    assert encode(record).hex() == "9ca173a17001cb3fe0000000000000a161c0c0c0009090c0"


def test_the_address_is_that_of_the_content_alone() -> None:
    keys = {key_of(kind_of(record), encode(record)) for record in SAMPLES}
    assert len(keys) == len(SAMPLES)
    assert all(
        key[:2] == kind_of(r).encode() + b":" for r in SAMPLES if (key := key_of(kind_of(r), b""))
    )
    one, other = Assertion("s", "p", 1, 1.0, "a"), Assertion("s", "p", 1.0, 1.0, "a")
    assert encode(one) != encode(other), "1 is not 1.0"


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\x90", msgspec.msgpack.encode(["s"]), b"\x93\x01\x02\x03"]
)
@pytest.mark.parametrize("kind", list(KINDS))
def test_garbage_is_no_record(kind: str, data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(kind, data)


def test_a_letter_of_another_program_is_no_record() -> None:
    with pytest.raises(KeyError):
        decode("Z", b"\x90")


# ---------------------------------------------------------------- set aside (rule I5)


def raw(*fields: Any) -> bytes:
    return msgspec.msgpack.encode(list(fields))


GOOD = Assertion("s", "p", "good", 1.0, "a")
TARGET = key_of("H", encode(GOOD))[2:]
ODD: dict[str, tuple[str, int, bytes]] = {
    "unknown kind": ("V", 0, b"x"),
    "garbage": ("H", 1, b"\xff\xff"),
    "too few fields": ("H", 1, raw("s")),
    "unknown landing": ("H", 99, raw("s", "p", "x", 1.0, "a")),
    "object over 64 bits": ("H", 1, raw("s", "p", 2**64 - 1, 1.0, "a")),
    "object NaN": ("H", 1, raw("s", "p", float("nan"), 1.0, "a")),
    "confidence NaN": ("H", 1, raw("s", "p", "x", float("nan"), "a")),
    "valid time over 64 bits": ("H", 1, raw("s", "p", "x", 1.0, "a", None, 2**64 - 1)),
    "empty valid time": ("H", 1, raw("s", "p", "x", 1.0, "a", None, 5, 5)),
    "move of nothing": ("L", 0, raw(2, 1, D, "proposed", "approved", "T", "a")),
    "move to nowhere": ("L", 0, raw(2, 1, TARGET, "proposed", "gone", "T", "a")),
    "cut over 64 bits": (
        "L",
        0,
        raw(2, 1, TARGET, "a", "superseded", "T", "a", None, None, 2**64 - 1),
    ),
    "epoch that exists": ("E", 0, raw(2, "first", "a")),
    "declaration of the future": ("D", 0, raw(2, 1, "predicate", "p", [["colour", "red"]], "a")),
    "declaration of no type": ("D", 0, raw(2, 1, "predicate", "p", [["type", "colour"]], "a")),
    "half-life of no length": ("D", 0, raw(2, 1, "predicate", "p", [["half_life", "x"]], "a")),
}


@pytest.mark.parametrize("name", list(ODD))
def test_what_cannot_be_understood_is_set_aside_and_stops_nothing(
    tmp_path: Path, name: str
) -> None:
    with epql.connect(tmp_path / "kb", agent="me", autocommit=True) as first:
        first.execute("MARK EPOCH 'first'")
        with first.runner.database.writing() as writer:
            good = ("H", 1, encode(GOOD))
            records = [("M", 0, encode(CommitInfo(2, "a"))), good, ODD[name]]
            writer.append([Pending(writer.last_recorded_at + 1, records)])
        first.close()
    with epql.connect(tmp_path / "kb", agent="me", autocommit=True) as connection:
        db = connection.runner.database.db
        ((seq, kind, reason),) = db.execute("SELECT * FROM aside").fetchall()
        assert (seq >> 20, seq & 0xFFFFF, kind) == (2, 2, ODD[name][0]) and reason
        assert connection.execute("ASSERT ('more', 'p', 1)").rowcount == 1
        text = "SELECT subject FROM beliefs ORDER BY 1"
        assert connection.execute(text).fetchall() == [("more",), ("s",)]
        for relation in ("predicates", "epochs", "transitions", "journal", "changes(0)"):
            connection.execute(f"SELECT * FROM {relation}").fetchall()
        connection.close()
    for index in (tmp_path / "kb").glob("index.db*"):
        index.unlink()
    with epql.connect(tmp_path / "kb") as connection:
        db = connection.runner.database.db
        assert db.execute("SELECT * FROM aside").fetchall() == [(seq, kind, reason)]


def test_a_commit_without_its_own_record_is_by_an_unknown_agent(tmp_path: Path) -> None:
    with epql.connect(tmp_path / "kb") as connection:
        with connection.runner.database.writing() as writer:
            writer.append([Pending(0, [("H", 1, encode(GOOD))])])
        connection.close()
    with epql.connect(tmp_path / "kb") as connection:
        assert connection.execute("SELECT agent FROM commits").fetchall() == [("unknown",)]
