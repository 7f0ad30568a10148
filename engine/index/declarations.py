"""What DEFINE … said. Few and small: kept in memory.

Predicates, policies, agents and topics as of any transaction; views as they are now, because a
view is a question.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import apsw

from epql.engine.clock import FOREVER
from epql.engine.index.policies import Value, value_of
from epql.engine.store.objects import seq_of, tx_of


class Predicate(NamedTuple):
    """A predicate as declared. `half_life` in microseconds, None: it does not decay."""

    name: str
    cardinality: str = "one"
    type: str | None = None
    half_life: int | None = None
    seq: int = 0


def is_body(body: Mapping[str, object]) -> bool:
    """Whether this is what DEFINE PREDICATE says; a newer program may say more."""
    length, kind = body.get("half_life"), body.get("type")
    return (
        body.keys() <= {"cardinality", "type", "half_life"}
        and body.get("cardinality", "one") in ("one", "many")
        and (kind is None or isinstance(kind, str))
        and (length is None or (isinstance(length, int) and 0 < length < FOREVER))
    )


def is_view(body: Mapping[str, object]) -> bool:
    """Whether this is what DEFINE QUERY says; a newer program may say more."""
    text, columns = body.get("text"), body.get("columns")
    return (
        body.keys() <= {"columns", "text"}
        and (text is None or isinstance(text, str))
        and (columns is None or (isinstance(columns, str) and _is_list(columns)))
    )


def is_named(what: str, body: Mapping[str, object]) -> bool:
    """Whether this is what DEFINE AGENT or DEFINE TOPIC says."""
    if what == "agent":
        return all(isinstance(value, (str, int, float)) for value in body.values())
    subjects = body.get("subjects")
    return body.keys() == {"subjects"} and isinstance(subjects, str) and _is_list(subjects)


def _is_list(text: str) -> bool:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, list) and all(isinstance(name, str) for name in found)


class Declared(NamedTuple):
    """What is declared just after a transaction.

    `many`: the predicates with CARDINALITY MANY; `half_lives` by predicate, in microseconds.
    `agents`: those that a DEFINE AGENT named. `topics`: (GLOB pattern of subjects, topic), the
    most specific pattern first. `policy`: the transaction of the last DEFINE POLICY, 0 for none.
    """

    predicates: dict[str, Predicate]
    many: tuple[str, ...]
    half_lives: dict[str, int]
    policies: dict[str, Value]
    agents: dict[str, dict[str, Any]]
    topics: tuple[tuple[str, str], ...]
    policy: int

    def value(self, policy: str) -> Any:
        """The value in force of a policy."""
        return value_of(self.policies, policy)


class _Said(NamedTuple):
    """One declaration as the index has it."""

    seq: int
    what: str
    name: str
    body: dict[str, Any]


class Declarations:
    """The declarations of an index; reloaded when it has more of them."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self.forget()

    def forget(self) -> None:
        """Drop what was loaded; call it after a rollback."""
        self._all: list[_Said] = []
        self._seqs: list[int] = []
        self._loaded = 0
        self._at: dict[int, Declared] = {}
        self.added()

    def added(self) -> None:
        """Note that an open transaction has declared something more."""
        self._complete = -1

    def at(self, tx: int) -> Declared:
        """What is declared just after `tx`, which can be read; the same object while nothing is
        declared.
        """
        self._refresh(tx)
        count = bisect_left(self._seqs, seq_of(tx + 1, 0))
        found = self._at.get(count)
        if found is None:
            found = self._at[count] = _declared(self._all[:count])
        return found

    def as_of(self, tx: int) -> dict[str, Predicate]:
        """The declared predicates just after `tx`, by name."""
        return self.at(tx).predicates

    def many(self, tx: int) -> tuple[str, ...]:
        """The predicates declared CARDINALITY MANY just after `tx`."""
        return self.at(tx).many

    def half_lives(self, tx: int) -> dict[str, int]:
        """The half-lives in force just after `tx`, in microseconds."""
        return self.at(tx).half_lives

    def changed(self, after: int, upto: int) -> set[str]:
        """The predicates declared anew in the transactions (after, upto]."""
        return {name for _, what, name in self.said(after, upto) if what == "predicate"}

    def said(self, after: int, upto: int) -> list[tuple[int, str, str]]:
        """(transaction, what, name) of the declarations of the transactions (after, upto]."""
        self._refresh(upto)
        low = bisect_left(self._seqs, seq_of(after + 1, 0))
        high = bisect_left(self._seqs, seq_of(upto + 1, 0))
        return [(tx_of(one.seq), one.what, one.name) for one in self._all[low:high]]

    def _refresh(self, upto: int) -> None:
        """Load what was declared up to a transaction. A commit that can be read never changes, so
        nothing is asked of the index again until a later one is read.
        """
        if upto <= self._complete:
            return
        sql = (
            "SELECT id, what, name, body FROM declaration WHERE id>? AND what<>'query' ORDER BY id"
        )
        for seq, what, name, body in self._db.execute(sql, (self._loaded,)):
            self._all.append(_Said(seq, what, name, json.loads(body)))
            self._seqs.append(seq)
            self._loaded = seq
        self._complete = upto


def _declared(said: Sequence[_Said]) -> Declared:
    predicates: dict[str, Predicate] = {}
    policies: dict[str, Value] = {}
    agents: dict[str, dict[str, Any]] = {}
    topics: dict[str, tuple[int, str]] = {}
    policy = 0
    for seq, what, name, body in said:
        if what == "predicate":
            predicates[name] = Predicate(name, seq=seq, **body)
        elif what == "policy":
            policies[name], policy = body["value"], tx_of(seq)
        elif what == "agent":
            agents[name] = body
        elif what == "topic":
            patterns = dict.fromkeys(json.loads(body["subjects"]), (seq, name))
            topics = {p: one for p, one in topics.items() if one[1] != name} | patterns
    order = sorted(topics, key=lambda pattern: (len(pattern), topics[pattern]), reverse=True)
    return Declared(
        predicates,
        tuple(one.name for one in predicates.values() if one.cardinality == "many"),
        {one.name: one.half_life for one in predicates.values() if one.half_life},
        policies,
        agents,
        tuple((pattern, topics[pattern][1]) for pattern in order),
        policy,
    )


class ViewText(NamedTuple):
    """A view as it was defined: its name, the text of its query, the names of its columns."""

    name: str
    text: str
    columns: tuple[str, ...]


TX_MAX = (1 << 42) - 2
"""A transaction after every other."""


class Views:
    """The views in force."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._rollbacks = 0

    def forget(self) -> None:
        """Note a rollback: the same position may come to hold another definition."""
        self._rollbacks += 1

    @property
    def version(self) -> tuple[int, int]:
        """Differs where the views may differ."""
        sql = "SELECT max(id) FROM declaration WHERE what='query'"
        return self._rollbacks, self._db.execute(sql).get or 0

    def named(self, name: str) -> ViewText | None:
        """The view in force of that name, whatever its case."""
        wanted = name.lower()
        return next((view for view in self.in_force() if view.name.lower() == wanted), None)

    def in_force(self, tx: int = TX_MAX) -> list[ViewText]:
        """The views by now, or just after `tx`, in order of their names."""
        sql = (
            "SELECT name, body->>'text', body->>'columns', max(id) FROM declaration"
            " WHERE what='query' AND id<((?+1)<<20) GROUP BY name"
        )
        return [
            ViewText(name, text, tuple(json.loads(columns or "[]")))
            for name, text, columns, _ in self._db.execute(sql, (tx,))
            if text is not None
        ]
