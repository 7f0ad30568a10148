"""What the answer of a query depends on: which slots it read, and when these may have changed.

While a query runs, each read of a relation is noted with its conditions. As long as nothing
happens to what was read, the query reads the same again and answers the same; so the latest point
at which something did is the next at which the answer can differ, and none between is tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from epql.engine.explain.slot import Index
from epql.engine.explain.touching import Happened, Point, happened
from epql.engine.index.ask import first
from epql.engine.index.snapshot import Snapshot, Window
from epql.engine.store.objects import seq_of

_ON_SLOTS = ("beliefs", "assertions", "history", "changes", "assertion_changes")
_NAMES = ("subject", "predicate")
_KEYS_MAX = 200
"""Sets of conditions that are kept apart; of a query with more every slot counts as read."""
_TOLD_MAX = 5

Key = tuple[tuple[str, str, Any], ...]


class Reach:
    """The reads of one run at one present."""

    def __init__(self, index: Index, tx: int) -> None:
        self._index = index
        self._tx = tx
        self._keys: set[Key] = set()
        self._is_any_slot = False
        self._is_any_commit = False
        self._is_moving = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was read that goes with the present."""
        return not (self._keys or self._is_any_slot or self._is_any_commit)

    def note(self, relation: str, scope: Snapshot | Window, conditions: Sequence[Any]) -> None:
        """Note a read. What stands at another time does not go with the present."""
        snapshot = scope.until if isinstance(scope, Window) else scope
        if snapshot.tx != self._tx:
            return
        self._is_moving |= snapshot.valid_low == snapshot.valid_high == snapshot.clock
        if relation not in _ON_SLOTS:
            self._is_any_commit = True
            return
        key = _key(conditions)
        if not key or len(self._keys) >= _KEYS_MAX:
            self._is_any_slot = True
        else:
            self._keys.add(key)

    # ------------------------------------------------------------ points

    def latest(self, low: Point, high: Point) -> Point | None:
        """The latest point in (low, high] at which what was read may have changed."""
        commit = self._latest_commit(low.tx, high.tx)
        bound = self._latest_bound(low, high) if self._is_moving else None
        if commit is None or (bound is not None and bound.at > commit.at):
            return bound
        return commit

    def _latest_commit(self, after: int, upto: int) -> Point | None:
        sql = "SELECT max(tx) FROM txn WHERE tx>:after AND tx<=:upto"
        params: dict[str, Any] = {"after": after, "upto": upto}
        if not self._is_any_commit:
            where = self._where("t.slot", params)
            low, high = seq_of(after + 1, 0), seq_of(upto + 1, 0)
            params |= {"low": low, "high": high}
            sql = (
                "SELECT max(tx) FROM (SELECT (SELECT t.tx FROM touched t WHERE t.tx>:after"
                f" AND t.tx<=:upto AND {where} ORDER BY t.tx DESC LIMIT 1) AS tx"
                " UNION ALL SELECT max(id) >> 20 FROM declaration WHERE id>=:low AND id<:high"
                " AND what<>'query' UNION ALL SELECT max(id) >> 20 FROM trust"
                " WHERE id>=:low AND id<:high)"
            )
        row = first(self._index.db, sql, params)
        if row is None or row[0] is None:
            return None
        at = first(self._index.db, "SELECT recorded_at FROM txn WHERE tx=?", (row[0],))
        assert at is not None, row[0]
        return Point(at[0], row[0], False)

    def _latest_bound(self, low: Point, high: Point) -> Point | None:
        params: dict[str, Any] = {"low": low.at, "high": high.at}
        where = self._where("b.slot", params)
        sql = (
            f"SELECT b.at FROM bound b WHERE b.at>:low AND b.at<=:high AND {where}"
            " ORDER BY b.at DESC LIMIT 1"
        )
        row = first(self._index.db, sql, params)
        return None if row is None else Point(row[0], high.tx, True)

    def _where(self, slot: str, params: dict[str, Any]) -> str:
        """The condition that a slot was read."""
        if self._is_any_slot or self._is_any_commit:
            return "1"
        parts = []
        for key in sorted(self._keys, key=repr):
            tests = []
            for name, op, value in key:
                params[mark := f"k{len(params)}"] = value
                tests.append(_test(name, op, mark))
            parts.append(" AND ".join(tests))
        return f"{slot} IN (SELECT s.id FROM slot s WHERE {' OR '.join(parts)})"

    # ------------------------------------------------------------ what happened

    def told(self, point: Point) -> Happened:
        """What happened at a point to the slots that were read."""
        if point.is_bound:
            return Happened(self._bound(point), None, None)
        params: dict[str, Any] = {"tx": point.tx}
        where = self._where("t.slot", params)
        sql = f"SELECT t.slot FROM touched t WHERE t.tx=:tx AND {where} LIMIT {_TOLD_MAX}"
        slots = [row[0] for row in self._index.db.execute(sql, params)] or [0]
        found = [happened(self._index, slot, point.tx) for slot in slots]
        causes = ", ".join(dict.fromkeys(one.cause for one in found))
        reasons = dict.fromkeys(one.reason for one in found if one.reason)
        return Happened(causes, found[0].agent, "; ".join(reasons) or None)

    def _bound(self, point: Point) -> str:
        params: dict[str, Any] = {"at": point.at}
        where = self._where("b.slot", params)
        sql = (
            "SELECT 1 FROM bound b JOIN span x ON x.slot=b.slot AND x.valid_from=b.at"
            f" WHERE b.at=:at AND {where} LIMIT 1"
        )
        return "VALID_END" if first(self._index.db, sql, params) is None else "VALID_START"


def _key(conditions: Sequence[Any]) -> Key:
    """The conditions that choose slots; an id leads to one."""
    found: list[tuple[str, str, Any]] = []
    for column, op, value in conditions:
        is_text = isinstance(value, str)
        if column.name in _NAMES and column.push == "slot" and is_text:
            found.append((column.name, op, value))
        elif column.push == "id" and op == "=" and is_text and len(value) == 66:
            found.append((column.push, op, bytes.fromhex(value[2:])))
    return tuple(sorted(found, key=repr))


def _test(name: str, op: str, mark: str) -> str:
    if name == "id":
        return f"s.id IN (SELECT slot FROM assertion WHERE digest=:{mark})"
    return f"s.{name}{op}:{mark}"
