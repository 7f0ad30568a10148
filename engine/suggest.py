"""What there is that begins so: the look-ups of completion, straight from the index.

They are no reads of a person's: nothing is audited, resolved or told. Each costs by its answer,
not by the history: it seeks, and it gives at most LIMIT. What it is not: an answer; a subject
that is offered may have no belief now.

`tx` is the last commit that may be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import apsw

from epql.engine.functions import FUNCTIONS
from epql.engine.index.ask import Row, first
from epql.engine.lifecycle import NAME
from epql.engine.reading import unfit
from epql.engine.records import Object
from epql.engine.session import Session

LIMIT = 50
_SEEKS_MAX = 4 * LIMIT
_SAMPLE = 400
"""Rows that are looked at for the objects of a predicate."""
_END = "\U0010ffff"


class Found(NamedTuple):
    """A value, and a word about it. `is_open`: it is only how several begin."""

    value: Object
    about: str = ""
    is_open: bool = False


def find(
    session: Session,
    kind: str,
    prefix: str,
    tx: int,
    subject: str | None = None,
    predicate: str | None = None,
) -> list[Found]:
    """What begins so, of a kind: subject, predicate, object, topic, agent, epoch, id, rule, query.

    Raises: the errors of `translated`; OperationalError where audit.db cannot be opened.
    """
    db = session.db
    try:
        if kind == "predicate":
            return predicates(db, prefix, tx, subject)
        if kind == "object":
            return objects(db, prefix, tx, subject, predicate)
        if kind == "id":
            return ids(session, prefix, tx)
        if kind == "query":
            return queries(session.glimpsed(), prefix)
        look_up = _LOOK_UPS.get(kind)
        return [] if look_up is None else look_up(db, prefix, tx)
    except apsw.Error as error:
        raise (session.told(error) or error) from error
    except UnicodeEncodeError as error:
        raise unfit(error) from error


def functions() -> list[str]:
    """The SQL functions that an expression may call."""
    return sorted(name for name in FUNCTIONS if name.isidentifier())


# ---------------------------------------------------------------- slots


def subjects(db: apsw.Connection, prefix: str, tx: int) -> list[Found]:
    """Subjects that begin so; where they are many, their path segments, as of files in folders."""
    found = list(_distinct(db, "subject", prefix, tx))
    if len(found) <= LIMIT:
        return [Found(subject) for subject in found]
    groups = list(_groups(db, prefix, tx))
    if len(groups) == 1 and groups[0].is_open:
        return subjects(db, str(groups[0].value), tx)
    return groups


def predicates(db: apsw.Connection, prefix: str, tx: int, subject: str | None) -> list[Found]:
    """Predicates that begin so: those of a subject, if it has any, else all."""
    if subject is not None:
        sql = (
            "SELECT predicate FROM slot WHERE subject=? AND predicate>=? AND predicate<? AND tx<=?"
            f" ORDER BY predicate LIMIT {LIMIT}"
        )
        rows = _rows(db, sql, (subject, prefix, prefix + _END, tx))
        if rows:
            return [Found(row[0], f"of {subject}") for row in rows]
    return [Found(one) for one in _distinct(db, "predicate", prefix, tx)][:LIMIT]


def topics(db: apsw.Connection, prefix: str, tx: int) -> list[Found]:
    """Topics of subjects that begin so."""
    return [Found(one) for one in _distinct(db, "topic", prefix, tx)][:LIMIT]


def objects(
    db: apsw.Connection, prefix: str, tx: int, subject: str | None, predicate: str | None
) -> list[Found]:
    """What was asserted in a slot, the latest first; else a sample of what a predicate takes."""
    if predicate is None:
        return []
    if subject is not None and (found := list(_said_in(db, tx, subject, predicate))):
        return _beginning(found, prefix)
    sql = (
        "SELECT a.object FROM slot s JOIN span w ON w.slot=s.id JOIN assertion a"
        f" ON a.id=w.assertion WHERE s.predicate=? AND w.from_tx<=? LIMIT {_SAMPLE}"
    )
    counts: dict[Object, int] = {}
    for (value,) in _rows(db, sql, (predicate, tx)):
        counts[value] = counts.get(value, 0) + 1
    usual = sorted(counts, key=lambda value: -counts[value])
    return _beginning([Found(value, f"a {predicate}") for value in usual], prefix)


def _said_in(db: apsw.Connection, tx: int, subject: str, predicate: str) -> Iterator[Found]:
    sql = "SELECT id FROM slot WHERE subject=? AND predicate=? AND tx<=?"
    slot = first(db, sql, (subject, predicate, tx))
    if slot is None:
        return
    sql = (
        "SELECT a.object FROM span w JOIN assertion a ON a.id=w.assertion"
        " WHERE w.slot=? AND w.state=? AND w.from_tx<=? AND w.to_tx>?"
        f" ORDER BY w.seq DESC LIMIT {LIMIT}"
    )
    for state, name in NAME.items():
        for (value,) in _rows(db, sql, (*slot, state, tx, tx)):
            yield Found(value, name)


def _beginning(found: list[Found], prefix: str) -> list[Found]:
    """The first of each value, of those that begin so."""
    kept: dict[tuple[type, Object], Found] = {}
    for one in found:
        if str(one.value).startswith(prefix):
            kept.setdefault((type(one.value), one.value), one)
    return list(kept.values())[:LIMIT]


def _distinct(db: apsw.Connection, column: str, prefix: str, tx: int) -> Iterator[str]:
    """Values of a column of slot, one more than LIMIT at most; each is one seek."""
    low, count = prefix, 0
    for _ in range(_SEEKS_MAX):
        value = _next(db, column, low, prefix + _END)
        if value is None:
            return
        if _was_there(db, column, value, tx):
            yield value
            count += 1
        if count > LIMIT:
            return
        low = value + "\0"


def _groups(db: apsw.Connection, prefix: str, tx: int) -> Iterator[Found]:
    """Subjects that begin so, those that share the next path segment as one."""
    low, count = prefix, 0
    for _ in range(_SEEKS_MAX):
        subject = _next(db, "subject", low, prefix + _END)
        if subject is None or count >= LIMIT:
            return
        segment, slash, rest = subject[len(prefix) :].partition("/")
        group = prefix + segment + slash
        is_open = bool(rest) and _next(db, "subject", subject + "\0", group + _END) is not None
        if is_open or _was_there(db, "subject", subject, tx):
            yield Found(group, "…", True) if is_open else Found(subject)
            count += 1
        low = prefix + segment + "0" if is_open else subject + "\0"  # 0 follows /


def _rows(db: apsw.Connection, sql: str, params: tuple[Any, ...] = ()) -> list[Row]:
    """All rows at once, so that none is held open."""
    return list(db.execute(sql, params))


def _next(db: apsw.Connection, column: str, low: str, high: str) -> str | None:
    sql = f"SELECT {column} FROM slot WHERE {column}>=? AND {column}<? ORDER BY {column} LIMIT 1"
    row = first(db, sql, (low, high))
    return None if row is None else str(row[0])


def _was_there(db: apsw.Connection, column: str, value: str, tx: int) -> bool:
    """Whether a slot of that value was there; slots of an indexed value are in order of time."""
    if column == "subject":
        return first(db, "SELECT 1 FROM slot WHERE subject=? AND tx<=?", (value, tx)) is not None
    row = first(db, f"SELECT tx FROM slot WHERE {column}=? ORDER BY id LIMIT 1", (value,))
    return row is not None and row[0] <= tx


# ---------------------------------------------------------------- names


def agents(db: apsw.Connection, prefix: str, tx: int) -> list[Found]:
    """Agents whose names begin so."""
    sql = f"SELECT name FROM agent WHERE name>=? AND name<? AND tx<=? ORDER BY name LIMIT {LIMIT}"
    return [Found(row[0]) for row in _rows(db, sql, (prefix, prefix + _END, tx))]


def epochs(db: apsw.Connection, prefix: str, tx: int) -> list[Found]:
    """Epochs whose names begin so, the latest first."""
    sql = (
        "SELECT name, id >> 20 FROM epoch WHERE name>=? AND name<? AND id<((?+1)<<20)"
        f" ORDER BY id DESC LIMIT {LIMIT}"
    )
    rows = _rows(db, sql, (prefix, prefix + _END, tx))
    return [Found(name, f"tx {number}") for name, number in rows]


# ---------------------------------------------------------------- ids

_DIGITS = 12
"""Digits of an id that is offered; as many as tables show."""

_SAID = (
    "SELECT a.digest, s.subject, s.predicate, a.object, a.state FROM assertion a"
    " JOIN slot s ON s.id=a.slot WHERE "
)


def ids(session: Session, prefix: str, tx: int) -> list[Found]:
    """Assertions whose ids begin so; the latest, where no digit is given."""
    digits = _digits(prefix, "a:")
    if digits is None:
        return []
    bound = (tx + 1) << 20
    if not digits:
        sql = f"{_SAID} a.id<? ORDER BY a.id DESC LIMIT {LIMIT}"
        rows = _rows(session.db, sql, (bound,))
    else:
        numbers = session.objects.beginning(digits, LIMIT)
        sql = f"{_SAID} a.id=? AND a.id<?"
        rows = [row for one in numbers if (row := first(session.db, sql, (one, bound)))]
    return [_named("a:", row[0], f"{row[1]} {row[2]} {row[3]}, {NAME[row[4]]}") for row in rows]


def rules(db: apsw.Connection, prefix: str, tx: int) -> list[Found]:
    """Rules in force whose ids begin so, the latest first."""
    digits = _digits(prefix, "c:")
    sql = (
        "SELECT r.digest, r.subject, r.predicate, r.object FROM rule r WHERE r.id<((?1+1)<<20) AND"
        " NOT EXISTS (SELECT 1 FROM repeal p WHERE p.rule=r.id AND p.id<((?1+1)<<20))"
        f" ORDER BY r.id DESC LIMIT {_SAMPLE}"
    )
    rows = [] if digits is None else _rows(db, sql, (tx,))
    found = [_named("c:", row[0], f"FORBID {row[1]} {row[2]} {row[3]}") for row in rows]
    return [one for one in found if str(one.value)[2:].startswith(digits or "")][:LIMIT]


def queries(audited: apsw.Connection, prefix: str) -> list[Found]:
    """Audited queries whose ids begin so, the latest first."""
    digits = _digits(prefix, "q:")
    if digits is None:
        return []
    low, high = (bytes.fromhex(digits.ljust(64, end)) for end in "0f")
    where = "q.digest BETWEEN ? AND ?" if digits else "1 OR ? OR ?"
    sql = (
        "SELECT q.digest, g.name, f.text FROM query q JOIN agent g ON g.id=q.agent"
        f" JOIN form f ON f.id=q.form WHERE {where} ORDER BY q.at DESC LIMIT {LIMIT}"
    )
    rows = _rows(audited, sql, (low, high))
    return [_named("q:", row[0], f"{row[1]}: {' '.join(row[2].split())}") for row in rows]


def _digits(typed: str, prefix: str) -> str | None:
    """The digits of an id that is being typed; None if it cannot become one."""
    lowered = typed.lower()
    if prefix.startswith(lowered):
        return ""
    digits = lowered.removeprefix(prefix)
    is_id = lowered.startswith(prefix) and not set(digits) - set("0123456789abcdef")
    return digits if is_id and len(digits) <= 64 else None


def _named(prefix: str, digest: Any, about: str) -> Found:
    return Found(prefix + bytes(digest).hex()[:_DIGITS], about)


_LOOK_UPS: dict[str, Callable[[apsw.Connection, str, int], list[Found]]] = {
    "subject": subjects, "topic": topics, "agent": agents, "epoch": epochs, "rule": rules,
}  # fmt: skip
