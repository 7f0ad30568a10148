"""RETURNING: the assertions a verb touched, as rows of the relation assertions."""

from __future__ import annotations

from collections.abc import Sequence

from epql.engine.errors import ProgrammingError
from epql.engine.index.snapshot import Snapshot
from epql.engine.lifecycle import NAME
from epql.engine.records import assertion_id
from epql.engine.vtab.base import Condition
from epql.engine.vtab.register import RELATIONS
from epql.plan.catalog import nearest
from epql.verbs.work import Answer, Row, Work

_ASSERTIONS = RELATIONS["assertions"]
_BY_NAME = {column.name: column for column in _ASSERTIONS.columns}


def answer(
    work: Work, digests: Sequence[bytes], returning: Sequence[str] | None, count: int | None = None
) -> Answer:
    """What a verb answers about the assertions it touched; one row each, in order."""
    written = len(digests) if count is None else count
    if returning is None:
        return Answer(written)
    columns = tuple(_BY_NAME) if returning == ("*",) else tuple(map(_column, returning))
    return Answer(written, columns, [_row(work, digest, columns) for digest in digests])


def _column(name: str) -> str:
    lowered = name.lower()
    if lowered not in _BY_NAME:
        raise ProgrammingError(
            f"RETURNING knows no column {name!r}",
            code="name.unknown_column",
            hint=nearest(lowered, _BY_NAME, "the columns are "),
        )
    return lowered


def _row(work: Work, digest: bytes, columns: Sequence[str]) -> Row:
    """The assertion as it stands now; of several pieces the last one."""
    if tuple(columns) == ("id",):
        return (assertion_id(digest),)
    database = work.database
    snapshot = Snapshot.at(database.last()[0], work.resolver.now, states=tuple(NAME)).anytime()
    wanted = [_BY_NAME[name] for name in columns]
    condition = Condition(_BY_NAME["id"], "=", assertion_id(digest))
    rows = _ASSERTIONS.rows(work.session, snapshot, wanted, [condition])
    shown = (
        column.show(cell) if column.show is not None else cell
        for column, cell in zip(wanted, next(rows), strict=False)  # behind them: its identity
    )
    return tuple(shown)
