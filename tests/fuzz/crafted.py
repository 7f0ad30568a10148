"""Journals with right hashes and a right chain, and anything at all in their records.

Whoever writes the files can recompute every hash, so a crafted journal is whole as far as frames
go. What it says is drawn here from Choices: commits of the small database, then records with
wrong references, odd numbers and texts, hostile views and rules, records of unknown kinds, bombs.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from epql.engine.digest import digest
from epql.engine.journal import format as layout
from epql.engine.journal.segments import segment_name
from epql.engine.journal.tail import after_frame, start_of
from epql.engine.records import KINDS
from tests.fuzz import decoders
from tests.fuzz.choices import Choices

_encode = msgspec.msgpack.encode

BOMBS = (
    b"\x91" * 100_000 + b"\xc0", b"\x91" * 500, b"\xdf\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff\xc0",
    b"\xc6\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xffa", b"\x95\xa1s\xa2\xff\xfe\xa1o\xcb\0\0\0\0\0\0\0\0\xa1a",
    b"", b"\xc1", b"\x90", b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", b"\x81\xa1a" * 1000,
)  # fmt: skip
VIEWS = (
    "SELECT * FROM v1", "SELECT * FROM v0", "SELECT * FROM v0 JOIN v1 JOIN v2",
    "SELECT subject, object FROM beliefs", "SELECT", "", "DROP TABLE x", "SELECT 1; SELECT 2",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT * FROM c",
    "SELECT " + "(" * 400 + "1" + ")" * 400, "SELECT load_extension('x')", "SELECT * FROM meta",
    "SELECT * FROM sqlite_schema", "SELECT hex(zeroblob(900000000))", "SELECT ?", "SELECT :a",
    "SELECT * FROM beliefs AS OF TX 99999999999999999999", "SELECT * FROM v2 AS OF '-1h'",
    "SELECT '" + "x" * 100_000 + "'", "PRAGMA user_version", "ATTACH 'x' AS y", "SELECT \0",
    "SELECT a, a FROM (SELECT 1 AS a)", "SELECT * FROM audit('x')", "SELECT \ud7ff", "VALUES (1)",
)  # fmt: skip
CONDITIONS = (
    "1", "confidence > 0.5", "(SELECT 1)", "object REGEXP '(a*)*b'", "1) IS TRUE, y AS ((1",
    "hex(zeroblob(900000000)) LIKE 'x%'", "random()", "", "(", "object GLOB '" + "*a" * 500 + "b'",
    "nope()", "printf('%.*c', 900000000, 'x') = ''", "?", "subject || 1; DROP TABLE w0", "NULL",
    "abs(-9223372036854775807 - 1)", "json_extract(qualifiers, '$.a') = 1", "'a' AND \0",
)  # fmt: skip
PATTERNS = ("*", "a", "s", "x*", "*" * 60 + "b", "[", "[^]", "[]-a]", "", "a" * 60_000, "?", "\0")
LISTS = ("[]", '["a"]', '["a", "b"]', "[" * 50_000, "[1]", "null", '["*"]', "{}", '["\\ud800"]')
STATES = (
    "proposed",
    "approved",
    "retracted",
    "superseded",
    "incorrect",
    "deprecated",
    "review",
    "x",
)
VIA = ("PROMOTE", "RETRACT", "SUPERSEDE", "REVIVE", "CORRECT", "TRANSITION", "REJECT", "", "x")
WHAT = ("predicate", "query", "policy", "agent", "topic", "assertion", "rule", "x")
POLICIES = (
    ("lifecycle", "required"), ("lifecycle", 1), ("default_state", "approved"), ("four_eyes", "on"),
    ("stale_after", 1), ("stale_after", 2**63), ("trust_prior", 0.0), ("rule_half_life", 1),
    ("trust_strength", 0), ("damping", True), ("audit_retention", 1), ("newcomers", "pooled"),
)  # fmt: skip


class Crafted:
    """A journal in the making: the files, and the digests that records may name."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._known: list[bytes] = [bytes(32), b"", b"\xff" * 32]
        self._tx = 0
        self._at = 0
        self._order = 0

    def files(self) -> dict[str, bytes]:
        """The segments. Some of their frames may not follow one another after all."""
        choices = self._choices
        commits = list(decoders.history()[: choices.pick((15, 6, 0, 2, 99))])
        for commit in commits:
            self._known += [digest(payload) for _, _, payload in commit.records]
        self._tx = len(commits)
        self._at = commits[-1].recorded_at if commits else decoders._AT
        made: dict[str, bytes] = {}
        salt, first = decoders.SALT, 1
        previous = layout.chain_start(decoders.IDENTITY)
        data = self._header(first, salt, previous)
        tail = start_of(layout.decode_segment_header(data))
        bodies = [(c.tx, c.recorded_at, layout._body(c.records), len(c.records)) for c in commits]
        while len(bodies) < len(commits) + 5 and not choices.is_over:
            bodies.append(self._commit())
        for tx, at, body, count in bodies:
            if choices.seldom() and tail.frames:
                data += layout.encode_trailer(tail.trailer(), salt)
                made[segment_name(first)] = data
                first = tx
                data = self._header(first, salt, previous)
                tail = start_of(layout.decode_segment_header(data), tail.last_recorded_at)
            frame = self._frame(tx, at, body, count, len(data), previous, salt)
            read = layout.decode_frame(
                memoryview(frame), segment=first, offset=len(data), salt=salt, length=len(frame)
            )
            previous = read.digest
            try:
                tail = after_frame(tail, read)
            except layout.Malformed:
                data += frame
                break
            data += frame
        made[segment_name(first)] = data
        return made

    @staticmethod
    def _header(first: int, salt: bytes, previous: bytes) -> bytes:
        return layout.encode_segment_header(
            layout.SegmentHeader(decoders.IDENTITY, first, salt, previous)
        )

    def _frame(
        self, tx: int, at: int, body: bytes, count: int, offset: int, previous: bytes, salt: bytes
    ) -> bytes:
        """As layout.encode_frame makes it, whatever its fields say."""
        flags = self._choices.byte() if self._choices.seldom() else 0
        synced = offset if self._choices.often() else self._choices.number() % 2**64
        length = layout.FRAME_OVERHEAD + len(body)
        head = layout._FRAME.pack(
            layout.FRAME_MAGIC, layout.FORMAT_VERSION, flags, length, count % 2**32, tx, offset, at,
            synced, previous,
        )  # fmt: skip
        head += digest(salt + head)[: layout.CHECK_SIZE]
        return head + body + digest(salt + head + body)

    def _commit(self) -> tuple[int, int, bytes, int]:
        choices = self._choices
        self._tx += 1
        self._order = 0
        tx = self._tx if choices.often() or choices.often() else choices.number() % 2**64
        step = choices.number() if choices.seldom() else 1_000_000
        self._at = min(max(self._at + max(1, step), -(2**63)), 2**63 - 1)
        records = [] if choices.seldom() else [self._record("M")]
        for _ in range(choices.below(6)):
            records.append(self._record(choices.pick("HHHLEDDMVCCRXUTFGHL?")))
        if choices.seldom() and choices.seldom() and choices.seldom():
            records += [("H", 1, b"\x90")] * 20_000
        body = layout._body(records)
        count = len(records)
        if choices.seldom():
            count += choices.pick((1, -1, 2**31, 5))
            body += choices.pick((b"", bytes(8), b"\xff" * 16))
        return tx, self._at, body, count

    def _record(self, kind: str) -> tuple[str, int, bytes]:
        choices = self._choices
        flags = 0
        if kind == "H":
            flags = choices.pick((1, 2, 1, 2, 0, 3, 5, 255))
        elif choices.seldom():
            flags = choices.byte()
        if kind not in KINDS or (choices.seldom() and choices.seldom()):
            return kind, flags, choices.pick(BOMBS)
        fields = [
            self._value(field.name, str(KINDS[kind].__annotations__[field.name]), kind)
            for field in msgspec.structs.fields(KINDS[kind])
        ]
        if choices.seldom():
            fields = fields[: choices.below(len(fields) + 1)]
        try:
            payload = _encode(fields)
        except (OverflowError, ValueError):
            payload = b"\xc0"
        if choices.seldom() and choices.seldom() and payload:
            at = choices.below(len(payload))
            payload = payload[:at] + bytes([choices.byte()]) + payload[at + 1 :]
        self._known.append(digest(payload))
        self._order += 1
        return kind, flags, payload

    def _value(self, name: str, hint: str, kind: str) -> Any:
        choices = self._choices
        if choices.seldom() and choices.seldom():
            return choices.pick((None, -1, 2**64 - 1, "x", b"x", [], {}, [[]], 1.5, True, "\0"))
        if name in ("tx", "order") and choices.often():
            return self._tx if name == "tx" else self._order
        made = _NAMED.get((kind, name)) or _NAMED.get(("", name))
        if made is not None:
            return made(choices)
        if name == "body":
            return self._body()
        if name == "name" and kind == "D":
            return choices.pick(
                ("v0", "v1", "v2", "tag", "p", "beliefs", "lifecycle", "other", "t")
            )
        if hint.startswith("bytes") or name == "parents":
            several = [self._reference() for _ in range(choices.below(3))]
            return several if name == "parents" else self._reference()
        if name == "qualifiers":
            return [[choices.text(), self._object()] for _ in range(choices.below(3))]
        if hint.startswith(("Object", "str | int")):
            return self._object()
        if hint.startswith("bool"):
            return choices.below(2) == 0
        if hint.startswith("int"):
            return None if "None" in hint and choices.below(2) else choices.number()
        if hint.startswith("float"):
            return choices.real()
        return None if "None" in hint and choices.below(2) else choices.text()

    def _object(self) -> Any:
        choices = self._choices
        return choices.pick((choices.text, choices.number, choices.real))()

    def _reference(self) -> bytes:
        """Something that was recorded before, most often the latest, or nothing that ever was."""
        if self._choices.seldom():
            return self._choices.blob(self._choices.pick((32, 0, 4, 33)))
        return self._known[-1 - self._choices.below(min(40, len(self._known)))]

    def _body(self) -> Any:
        choices = self._choices
        kind = choices.below(8)
        if kind < 3:
            return [["text", choices.pick(VIEWS)], ["columns", choices.pick(LISTS)]]
        if kind == 3:
            return [["cardinality", choices.pick(("many", "one", "x"))],
                    ["type", choices.pick(("text", "integer", "json", "x", 1))],
                    ["half_life", choices.number()]]  # fmt: skip
        if kind == 4:
            return [["value", choices.pick(POLICIES)[1]]]
        if kind == 5:
            return [["subjects", choices.pick(LISTS)]]
        return [[choices.text(), self._object()] for _ in range(choices.below(3))]


def _of(several: tuple[Any, ...]) -> Any:
    return lambda choices: choices.pick(several)


_NAMED: dict[tuple[str, str], Any] = {
    ("", "subject"): _of(("a", "s", "x1", "auth/jwt", "", "\0", "a" * 5000, "d")),
    ("", "predicate"): _of(("p", "b", "tag", "library", "algorithm", "", "\0")),
    ("", "agent"): _of(("fuzz", "other", "", "\0", "a" * 5000)),
    ("H", "confidence"): _of((1.0, 0.5, 0.0, 2.0, -1.0, float("nan"), float("inf"))),
    ("L", "was"): _of(STATES), ("L", "state"): _of(STATES), ("L", "via"): _of(VIA),
    ("D", "what"): _of(("query", "query", "predicate", "policy", "agent", "topic", "x")),
    ("U", "what"): _of(("assertion", "rule", "x")),
    ("C", "subject"): _of(PATTERNS), ("C", "predicate"): _of(PATTERNS), ("C", "object"): _of(PATTERNS),
    ("C", "when"): _of((None, *CONDITIONS)), ("C", "severity"): _of(("hard", "soft", "x")),
    ("V", "weight"): _of((1.0, 0.5, 0.0, 2.0, -1.0, 1e308)),
    ("T", "role"): _of(("author", "approver", "voter", "reader", "deriver", "approved", "undone", "x")),
    ("T", "topic"): _of(("a", "s", "auth", "", "\0")),
    ("M", "origin"): _of(("local", "backfill", "x", "")),
}  # fmt: skip
_ = struct
