"""RETURNING: what a verb touched, as rows of the relation that holds it."""

from __future__ import annotations

from collections.abc import Sequence

from epql.engine.errors import ProgrammingError
from epql.engine.index.snapshot import Snapshot
from epql.engine.lifecycle import NAME
from epql.engine.store.objects import NAMED
from epql.engine.vtab.base import Condition
from epql.engine.vtab.register import RELATIONS
from epql.plan.catalog import nearest
from epql.verbs.work import Answer, Row, Work

_PREFIX = {"assertions": NAMED["H"].prefix, "constraints": NAMED["C"].prefix}
"""How the ids of a relation begin."""


def answer(
    work: Work,
    digests: Sequence[bytes],
    returning: Sequence[str] | None,
    count: int | None = None,
    relation: str = "assertions",
) -> Answer:
    """What a verb answers about the assertions, or rules, it touched; one row each, in order."""
    written = len(digests) if count is None else count
    if returning is None:
        return Answer(written)
    known = tuple(column.name for column in RELATIONS[relation].columns)
    columns = known if returning == ("*",) else tuple(_column(name, known) for name in returning)
    rows = [_row(work, relation, _PREFIX[relation] + d.hex(), columns) for d in digests]
    return Answer(written, columns, rows)


def _column(name: str, known: Sequence[str]) -> str:
    lowered = name.lower()
    if lowered not in known:
        raise ProgrammingError(
            f"RETURNING knows no column {name!r}",
            code="name.unknown_column",
            hint=nearest(lowered, known, "the columns are "),
        )
    return lowered


def _row(work: Work, relation: str, name: str, columns: Sequence[str]) -> Row:
    """The assertion or rule as it stands now; of an assertion's several pieces the last one."""
    if tuple(columns) == ("id",):
        return (name,)
    database = work.database
    snapshot = Snapshot.at(database.last()[0], work.resolver.now, states=tuple(NAME)).anytime()
    by_name = {column.name: column for column in RELATIONS[relation].columns}
    wanted = [by_name[column] for column in columns]
    condition = Condition(by_name["id"], "=", name)
    rows = RELATIONS[relation].rows(work.session, snapshot, wanted, [condition])
    shown = (
        column.show(cell) if column.show is not None else cell
        for column, cell in zip(wanted, next(rows), strict=False)  # behind them: its identity
    )
    return tuple(shown)
