"""The engine as the state machine sees it: EPQL text in, rows in the oracle's terms out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import epql
from tests.clock import TestClock, text_of
from tests.property.model import ANY, LIVE, Content, Identity, Refused, Row
from tests.property.oracle_changes import WHOLE

INSTANTS = (
    "valid_from", "valid_to", "recorded_at", "believed_from", "believed_to", "updated_at",
    "last_used",
)  # fmt: skip
BELIEF = (
    "subject", "predicate", "object", "confidence", "credence", "lifecycle", "agent", "source",
    "topic", "valid_from", "valid_to", "recorded_at", "tx", "id",
)  # fmt: skip
COLUMNS = {
    "beliefs": (*BELIEF, "support", "disputed"),
    "assertions": (*BELIEF, "flagged"),
    "history": (*BELIEF, "believed_from", "believed_to", "tx_from", "tx_to"),
    "constraints": (
        "id",
        "subject",
        "predicate",
        "object",
        "severity",
        "prefer",
        "agent",
        "freshness",
        "uses",
        "last_used",
        "in_force",
    ),
    "commits": ("tx", "recorded_at", "agent"),
    "trust": ("agent", "topic", "score", "successes", "failures", "updated_at"),
}
CHANGE = (
    "change", "cause", "subject", "predicate",
    *(f"{side}_{name}" for name in ("object", "confidence", "lifecycle", "agent", "valid_from",
                                    "valid_to", "id") for side in ("before", "after")),
    "tx", "at", "agent", "reason",
)  # fmt: skip

CHECKED = (
    "verdict", "subject", "predicate", "object", "rule", "reason", "prefer", "severity", "agent",
    "recorded_at", "freshness", "last_used",
)  # fmt: skip
FORBIDDEN = ("policy.lifecycle_required",)
"""Codes of a ProgrammingError that the oracle foresees."""

Clauses = dict[str, Any]
Answer = list[Row] | str
"""Rows, or in one word why there are none."""


class Engine:
    """A connection, and the oracle's identity of each id it has returned."""

    def __init__(self, path: Path | str, clock: TestClock) -> None:
        self.path, self.clock = path, clock
        self.ids: dict[Identity, str] = {}
        self.identities: dict[str, Identity] = {}
        self.rules: dict[str, int] = {}
        self.open()

    def open(self) -> None:
        self.con = epql.connect(
            self.path, agent="machine", clock=self.clock, autocommit=True, audit="off"
        )

    def restart(self, rebuild: bool) -> None:
        """Close and open again, with the index deleted in between if asked."""
        self.con.close()
        if rebuild and isinstance(self.path, Path):
            for file in self.path.glob("index.db*"):
                file.unlink()
        self.open()

    def run(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Rows of a statement; an error in the oracle's terms."""
        try:
            cursor = self.con.execute(sql, params)
            return list(cursor.fetchall()) if cursor.description else []
        except epql.IntegrityError as error:
            raise Refused("integrity") from error
        except epql.DataError as error:
            raise Refused("data") from error
        except epql.ProgrammingError as error:
            if error.code in FORBIDDEN:
                raise Refused("programming") from error
            raise

    def learn(self, content: Content, engine_id: str) -> None:
        """Note that this content has this id; both ways there is only one."""
        assert self.ids.setdefault(content.id, engine_id) == engine_id, content
        assert self.identities.setdefault(engine_id, content.id) == content.id, content

    def learn_rules(self) -> None:
        """Number the rules as the oracle does: in the order in which they were made."""
        ids = [str(rule_id) for (rule_id,) in self.run("SELECT id FROM constraints")]
        self.rules = {rule_id: number for number, rule_id in enumerate(ids, start=1)}

    def check(self, triple: tuple[Any, ...]) -> list[Row]:
        """CHECK of one triple."""
        cursor = self.con.execute("CHECK (?, ?, ?)", triple)
        names = [column[0] for column in cursor.description]
        found = [self._in_terms(tuple(names), row) for row in cursor.fetchall()]
        return [{name: row[name] for name in CHECKED} for row in found]

    def assert_content(self, content: Content, state: str | None, reason: str | None) -> str:
        """ASSERT; returns the id."""
        sql = "ASSERT (?, ?, ?) AGENT ? CONFIDENCE ?"
        params: list[Any] = [content.subject, content.predicate, content.object, content.agent]
        params.append(content.confidence)
        for word, value in (("LIFECYCLE", state), ("SOURCE", content.source), ("REASON", reason)):
            if value is not None:
                sql += f" {word} ?"
                params.append(value)
        if content.parents:
            sql += f" BECAUSE {', '.join('?' for _ in content.parents)}"
            params += [self.ids[parent] for parent in content.parents]
        bounds = (("FROM", content.valid_from), ("TO", content.valid_to))
        if any(value is not None for _, value in bounds):
            sql += " VALID"
            for word, value in bounds:
                if value is not None:
                    sql += f" {word} ?"
                    params.append(text_of(value))
        return str(self.run(sql + " RETURNING id", *params)[-1][0])

    def rows(self, relation: str, clauses: Clauses) -> list[Row]:
        """SELECT from a relation under clauses, as the oracle would give it."""
        names = COLUMNS[relation]
        table = "assertions" if "window" in clauses else relation
        text, params = clause_text(clauses)
        chosen = ["flagged IS NOT NULL" if name == "flagged" else name for name in names]
        sql = f"SELECT {', '.join(chosen)} FROM {table} {text}"
        return [self._in_terms(names, row) for row in self.run(sql, *params)]

    def changes(self, since: int, until: int, clauses: Clauses) -> list[Row]:
        """DIFF of beliefs."""
        text, params = clause_text(clauses)
        sql = f"SELECT {', '.join(CHANGE)} FROM beliefs {text} DIFF SINCE ? UNTIL ?"
        params += [text_of(since), text_of(until)]
        return [self._in_terms(CHANGE, row) for row in self.run(sql, *params)]

    def compared(
        self, since: int, until: int, key: tuple[str, ...] | None, clauses: Clauses
    ) -> list[Row]:
        """DIFF of a whole answer, inside a query that reads its rows."""
        text, params = clause_text(clauses)
        columns = compared_columns(key)
        by = "" if key is None else f" KEY ({', '.join(key)})"
        sql = (
            f"WITH d AS (SELECT {', '.join(WHOLE)} FROM beliefs WHERE 1 {text}"
            f" DIFF SINCE ? UNTIL ?{by}) SELECT {', '.join(columns)} FROM d"
        )
        params += [text_of(since), text_of(until)]
        return [dict(zip(columns, row, strict=True)) for row in self.run(sql, *params)]

    def _in_terms(self, names: tuple[str, ...], values: tuple[Any, ...]) -> Row:
        row = dict(zip(names, values, strict=True))
        for name in ("id", "rule", "before_id", "after_id"):
            if row.get(name) is not None:
                known: Any = self.rules if row[name].startswith("c:") else self.identities
                row[name] = known[row[name]]
        return row


def compared_columns(key: tuple[str, ...] | None) -> tuple[str, ...]:
    """The columns of a DIFF of a whole answer."""
    if key is None:
        return ("change", *WHOLE)
    rest = [name for name in WHOLE if name not in key]
    return ("change", *key, *(f"{side}_{name}" for name in rest for side in ("before", "after")))


def clause_text(clauses: Clauses) -> tuple[str, list[Any]]:
    """The clauses of a View as EPQL text and parameters."""
    parts, params = [], []
    lifecycle = clauses.get("lifecycle")
    if lifecycle in (ANY, LIVE):
        parts.append("LIFECYCLE ANY" if lifecycle == ANY else "LIFECYCLE LIVE")
    elif lifecycle is not None:
        parts.append(f"LIFECYCLE IN ({', '.join(sorted(lifecycle))})")
    match clauses.get("valid"):
        case ("at", v):
            parts.append("VALID AT ?")
            params.append(text_of(v))
        case ("range", a, b):
            parts.append("VALID FROM ? TO ?")
            params += [text_of(a), text_of(b)]
        case ("any",):
            parts.append("VALID ANYTIME")
    if clauses.get("resolve", "latest") != "latest":
        parts.append(f"RESOLVE BY {clauses['resolve']}")
    match clauses.get("window"):
        case (a, b):
            parts.append("HISTORY FROM ? TO ?")
            params += [text_of(a), text_of(b)]
    if "as_of" in clauses:
        parts.append("AS OF ?")
        params.append(text_of(clauses["as_of"]))
    return " ".join(parts), params


def only_certain(expected: list[Row], got: list[Row]) -> list[Row]:
    """Change rows without what the oracle leaves open."""
    told = {_slot_of(row): row for row in expected}

    def masked(row: Row) -> Row:
        unsaid = told.get(_slot_of(row), {}).get("unsaid", ())
        return {name: None if name in unsaid else value for name, value in row.items()}

    return [masked(row) for row in got]


def _slot_of(row: Row) -> str:
    return repr((row["before_id"], row["after_id"]))


def comparable(rows: Answer, names: tuple[str, ...]) -> list[str]:
    """Rows of either side in one form and order, so that different values look different."""
    if isinstance(rows, str):
        return [rows]
    return sorted(repr([_plain(name, row.get(name)) for name in names]) for row in rows)


def _plain(name: str, value: Any) -> Any:
    if name in ("credence", "score", "freshness"):
        return round(value, 9)
    if name == "flagged":
        return bool(value)
    if isinstance(value, int) and (name == "at" or name.endswith(INSTANTS)):
        return text_of(value)
    return value
