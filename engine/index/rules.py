"""Which rules a triple meets: patterns, the keys rules are filed under, and the look-up.

A rule's parts are GLOB patterns of SQLite or numbers. What a pattern fixes from its start is its
key, and how much that is makes the rule's shape:

    ('http/*', 'library', 'requests')   predicate fixed, 5 characters of the subject, whole object
    ('*', '*', 'x*')                    1 character of the object

A triple looks under its own parts once for each shape there is (tuple space search: Srinivasan,
Suri and Varghese, SIGCOMM 1999), so the cost grows with the kinds of rules, not with their
number. Whether a rule that was found really matches, SQLite's GLOB says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import apsw

from epql.engine.content import check_name, check_object
from epql.engine.errors import DataError
from epql.engine.records import Constraint, Object

PATTERN_MAX = 10_000
"""Characters of a pattern; SQLite takes GLOB patterns of 50,000 bytes."""

KEY_MAX = 48
"""Characters of a part that go into the key; a longer one is found by its start."""

WHOLE = -1
"""Instead of a number of characters: the whole part is fixed."""

Triple = tuple[str, str, Object]


class Match(NamedTuple):
    """A rule that a triple meets: the triple's place in the list, the rule's seq and condition."""

    place: int
    rule: int
    condition: str | None


class Key(NamedTuple):
    """What a rule is filed under: its shape, and the fixed parts.

    `subject_length` and `object_length` are characters from the start, or WHOLE.
    """

    has_predicate: bool
    subject_length: int
    object_length: int
    predicate: str
    subject: str
    object: Object

    @property
    def shape(self) -> int:
        """The shape as one number."""
        return (self.subject_length + 1) << 9 | (self.object_length + 1) << 1 | self.has_predicate


# ---------------------------------------------------------------- patterns


def check_pattern(what: str, value: object) -> str:
    """A pattern for a subject or predicate.

    Raises: DataError `value.*`, `rule.pattern` for a '[' without its ']'.
    """
    return _checked(what, check_name(what, value))


def check_object_pattern(value: object) -> Object:
    """A pattern for an object, or a number that is meant exactly. Raises: as `check_pattern`."""
    found = check_object(value)
    return _checked("object", found) if isinstance(found, str) else found


def _checked(what: str, pattern: str) -> str:
    if len(pattern) > PATTERN_MAX:
        raise DataError(
            f"the pattern of the {what} has {len(pattern)} characters; {PATTERN_MAX} is the limit",
            code="value.too_long",
        )
    if "\x00" in pattern:
        raise DataError(f"the pattern of the {what} holds a NUL character", code="value.text")
    for part in _parts(pattern):
        if part is None:
            raise DataError(
                f"the pattern {pattern!r} opens a '[' and does not close it",
                code="rule.pattern",
                hint="a '[' that stands for itself is written '[[]'",
            )
    return pattern


def fixed_start(pattern: str) -> tuple[str, bool]:
    """What every text that matches begins with, and whether that is the whole of it.

    >>> fixed_start("http/*"), fixed_start("axios"), fixed_start("a[*]b?")
    (('http/', False), ('axios', True), ('a*b', False))
    """
    start = ""
    for part in _parts(pattern):
        if not part:
            return start, False
        start += part
    return start, True


def _parts(pattern: str) -> Iterator[str | None]:
    """The pattern's characters as they stand for themselves, '' for what stands for many, and
    None for a '[' that is never closed."""
    place = 0
    while place < len(pattern):
        mark = pattern[place]
        if mark == "[":
            # a ']' right behind '[' or '[^' stands for itself
            start = place + (2 if pattern[place + 1 : place + 2] == "^" else 1)
            end = pattern.find("]", start + 1)
            if end < 0:
                yield None
                return
            inside = pattern[place + 1 : end]
            yield inside if len(inside) == 1 else ""
            place = end
        else:
            yield "" if mark in "*?" else mark
        place += 1


# ---------------------------------------------------------------- keys


def key_of(rule: Constraint) -> Key | None:
    """What a rule is filed under; None for one that SQLite could not match."""
    texts = (rule.subject, rule.predicate, rule.object)
    if any(isinstance(text, str) and len(text) > PATTERN_MAX for text in texts):
        return None
    predicate, is_whole = fixed_start(rule.predicate)
    subject, subject_length = _start(rule.subject)
    obj, object_length = _start(rule.object)
    if not is_whole:
        predicate = ""
    return Key(is_whole, subject_length, object_length, predicate, str(subject), obj)


def _start(part: Object) -> tuple[Object, int]:
    if not isinstance(part, str):
        return part, WHOLE
    start, is_whole = fixed_start(part)
    if is_whole and len(start) <= KEY_MAX:
        return start, WHOLE
    return start[:KEY_MAX], len(start[:KEY_MAX])


# ---------------------------------------------------------------- look-up

IN_FORCE = "r.id<:upto AND NOT EXISTS (SELECT 1 FROM repeal e WHERE e.rule=r.id AND e.id<:upto)"
"""SQL: whether rule r holds just before position :upto."""

_MATCHES = (
    "SELECT :place, r.id, r.condition FROM rule_shape h CROSS JOIN rule_key k CROSS JOIN rule r"
    " WHERE k.shape=h.shape AND k.predicate=iif(h.predicate, :p, '')"
    f" AND k.subject=iif(h.subject={WHOLE}, :s, substr(:s, 1, h.subject))"
    f" AND k.object=iif(h.object={WHOLE}, :o, substr(:o, 1, h.object))"
    " AND r.id=k.rule AND :s GLOB r.subject AND :p GLOB r.predicate AND CASE typeof(:o)"
    " WHEN 'text' THEN typeof(r.object)='text' AND :o GLOB r.object"
    f" ELSE r.object=:o OR r.object='*' END AND {IN_FORCE}"
)


def exist(db: apsw.Connection) -> bool:
    """Whether there is any rule; the one question that an ASSERT without rules pays for."""
    return db.execute("SELECT 1 FROM rule_shape LIMIT 1").fetchone() is not None


def matches(db: apsw.Connection, triples: Iterable[Triple], upto: int) -> list[Match]:
    """The rules in force before position `upto` that triples match, conditions not yet asked.

    In order of the triples, the oldest rule first.
    """
    bindings = (
        # GLOB sees a text up to its first NUL, and so must the keys
        {"place": n, "s": s, "p": p, "o": _visible(o), "upto": upto}
        for n, (s, p, o) in enumerate(triples)
    )
    return sorted(Match(*row) for row in db.executemany(_MATCHES, bindings))


def _visible(obj: Object) -> Object:
    return obj.partition("\0")[0] if isinstance(obj, str) else obj


_SAME_PATTERN = (
    "SELECT r.id FROM rule_key k JOIN rule r ON r.id=k.rule WHERE k.shape=:shape"
    " AND k.predicate=:kp AND k.subject=:ks AND k.object=:ko AND r.subject=:s"
    f" AND r.predicate=:p AND r.object=:o AND {IN_FORCE}"
)


def with_pattern(db: apsw.Connection, pattern: Triple, upto: int) -> list[int]:
    """The seqs of the rules in force with exactly these patterns, oldest first."""
    bindings = _bindings(Constraint(0, 0, *pattern, ""), upto)
    return [int(seq) for (seq,) in db.execute(_SAME_PATTERN + " ORDER BY r.id", bindings)]


def same(db: apsw.Connection, rule: Constraint, upto: int) -> int | None:
    """The seq of a rule in force that says the same: who said it, and when, may differ."""
    sql = (
        " AND r.condition IS :when AND r.severity=:severity AND r.prefer IS :prefer"
        " AND r.reason IS :reason LIMIT 1"
    )
    row = db.execute(_SAME_PATTERN + sql, _bindings(rule, upto)).fetchone()
    return None if row is None else int(row[0])


def _bindings(rule: Constraint, upto: int) -> dict[str, Object | None]:
    key = key_of(rule)
    assert key is not None, "patterns are checked before they get here"
    return {
        "shape": key.shape, "kp": key.predicate, "ks": key.subject, "ko": key.object,
        "s": rule.subject, "p": rule.predicate, "o": rule.object, "when": rule.when,
        "severity": rule.severity, "prefer": rule.prefer, "reason": rule.reason, "upto": upto,
    }  # fmt: skip


def file(db: apsw.Connection, seq: int, rule: Constraint) -> None:
    """Write a rule's key and shape; a part of the fold."""
    key = key_of(rule)
    if key is None:
        return
    shape = (key.shape, key.has_predicate, key.subject_length, key.object_length)
    db.execute("INSERT OR IGNORE INTO rule_shape VALUES(?,?,?,?)", shape)
    row = (key.shape, key.predicate, key.subject, key.object, seq)
    db.execute("INSERT INTO rule_key VALUES(?,?,?,?,?)", row)


def digests(db: apsw.Connection, seqs: Sequence[int]) -> list[bytes]:
    """The addresses of rules."""
    found = db.executemany("SELECT digest FROM rule WHERE id=?", [(seq,) for seq in seqs])
    return [bytes(digest) for (digest,) in found]
