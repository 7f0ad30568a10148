"""What a statement gave: rows and their columns, notices, and what the answer stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from epql.audit.point import PointRead
from epql.audit.rows import AuditedRows
from epql.engine.clock import EVER, FOREVER
from epql.engine.index.snapshot import Snapshot
from epql.engine.lifecycle import NAME
from epql.engine.reading import Rows
from epql.engine.vtab.register import TYPES

if TYPE_CHECKING:
    from epql.verbs.work import Answer

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Basis:
    """What an answer stands on; the same basis over the same journal gives the same rows.

    Units: `clock` microseconds UTC. `valid` is the interval of world time that was asked for.
    `policy`: the transaction of the last DEFINE POLICY in force, 0 without one.
    """

    tx: int
    clock: int
    zone: str
    lifecycle: tuple[str, ...]
    resolve: str
    valid: tuple[int | None, int | None]
    policy: int = 0

    @staticmethod
    def of(snapshot: Snapshot, zone: str, policy: int) -> Basis:
        """The basis of an answer read at a snapshot."""
        low, high = snapshot.valid_low, snapshot.valid_high
        return Basis(
            snapshot.tx,
            snapshot.clock,
            zone,
            tuple(NAME[code] for code in snapshot.states),
            snapshot.strategy,
            (None if low <= EVER else low, None if high >= FOREVER else high),
            policy,
        )


class Result(Struct):
    """What a statement gave: rows and their columns, or a count."""

    count: int = -1
    columns: tuple[str, ...] | None = None
    rows: Iterator[Row] = field(default_factory=lambda: iter(()))
    notices: list[str] = field(default_factory=list)
    basis: Callable[[], Basis] | None = None
    late: Callable[[], list[str]] | None = None
    asked: str | PointRead | None = None
    """What the audit calls the question, or what can tell."""
    types: Callable[[], Sequence[str | None]] = tuple
    """The declared types of the columns, as far as they are known."""

    def stands_on(self) -> Basis | None:
        """What the answer stands on, if it is one."""
        return None if self.basis is None else self.basis()

    def all_notices(self) -> list[str]:
        """The notices, those that need a look of their own included."""
        if self.late is not None:
            late_ones, self.late = self.late, None
            self.notices += late_ones()
        return self.notices

    @property
    def query_id(self) -> str | None:
        """How the audit calls the question; None if it is not audited."""
        return self.asked.id if isinstance(self.asked, PointRead) else self.asked

    def rest(self) -> list[Row]:
        """All rows that are left."""
        return self.rows.rest() if isinstance(self.rows, _HELD) else list(self.rows)

    def close(self) -> None:
        """Let go of the rows that were not fetched."""
        if isinstance(self.rows, _HELD):
            self.rows.close()
        self.rows = iter(())


def written(answer: Answer, notices: list[str]) -> Result:
    """What a verb answered."""
    types = partial(types_of, answer.columns or ())
    return Result(answer.count, answer.columns, iter(answer.rows), notices, types=types)


def types_of(columns: Iterable[str]) -> list[str | None]:
    """The types of columns that are called as those of the relations are."""
    return [TYPES.get(name) for name in columns]


_HELD = (Rows, AuditedRows, PointRead)
"""Rows that hold something until they are let go of."""
