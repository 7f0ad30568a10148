"""What the tests of trust and the gardener share: a small world, corrections, audited reads."""

from __future__ import annotations

from typing import Any

import epql
from epql.engine.audit.record import EXACT
from epql.engine.lifecycle import CODE
from epql.engine.records import Correction
from tests.clock import TestClock
from tests.unit_engine.audits import answered, asked

Record = dict[tuple[str, str], tuple[float, float]]


class World:
    """A database, its clock, and one connection that speaks for many agents."""

    def __init__(self, path: Any = ":memory:", **options: Any) -> None:
        self.clock = TestClock("2026-01-05T10:00:00+00:00")
        self.path = path
        self.options = {"autocommit": True, **options}
        self.connection = self.connect()

    def connect(self, **options: Any) -> epql.Connection:
        return epql.connect(self.path, clock=self.clock, **{**self.options, **options})

    def reopen(self, **options: Any) -> None:
        self.connection.close()
        self.connection = self.connect(**options)

    def say(self, agent: str, text: str, *params: Any) -> epql.Cursor:
        """Execute a statement as an agent, a minute after the last."""
        self.clock.move(minutes=1)
        self.connection.runner.state.agent = agent
        return self.connection.execute(text, params)

    def claim(self, agent: str, subject: str, because: str | None = None) -> str:
        """Assert (subject, 'p', 1) as an agent; the id."""
        text, params = "ASSERT (?, 'p', 1)", [subject]
        if because is not None:
            text, params = text + " BECAUSE ?", [subject, because]
        cursor = self.say(agent, text + " RETURNING id", *params)
        return str(cursor.fetchall()[0][0])

    def correct(self, agent: str, *names: str) -> list[bytes]:
        """Move assertions to incorrect in one commit, each with its X record; their digests."""
        self.clock.move(minutes=1)
        runner = self.connection.runner
        runner.state.agent = agent
        with runner._open_transaction().statement():
            made = [self._correct(agent, bytes.fromhex(name[2:])) for name in names]
        runner.commit()
        return made

    def _correct(self, agent: str, digest: bytes) -> bytes:
        transaction = self.connection.runner._open_transaction()
        transaction.transition(digest, "incorrect", "CORRECT", agent, "wrong")
        return transaction.append(
            Correction(transaction.tx, transaction.order, digest, agent, "wrong")
        )

    def read(self, agent: str, name: str, state: str = "proposed", **fields: Any) -> None:
        """Put a read of an assertion into the audit, as the connector would."""
        self.clock.move(minutes=1)
        log, how = self.connection.runner.database.audit, fields.pop("how", EXACT)
        query = log.ask(asked(log, self.clock.us, agent=agent, **fields))
        log.answer(answered(query, [(bytes.fromhex(name[2:]), CODE[state], how)]))

    def record(self, as_of: str = "NOW") -> Record:
        """(successes, failures) by agent and topic, of those that have a record."""
        rows = self.connection.execute(
            "SELECT agent, topic, successes, failures FROM trust"
            f" WHERE updated_at NOT NULL AS OF {as_of}"
        )
        return {(agent, topic): (s, f) for agent, topic, s, f in rows}

    def failures(self) -> dict[str, float]:
        """Failures by agent, where there is one topic."""
        return {agent: failed for (agent, _), (_, failed) in self.record().items() if failed}

    def scores(self) -> dict[str, float]:
        return dict(
            self.connection.execute(
                "SELECT agent, score FROM trust WHERE updated_at NOT NULL"
            ).fetchall()
        )

    def table(self, name: str) -> list[Any]:
        """A table of the index, row by row."""
        return list(
            self.connection.runner.database.db.execute(f"SELECT * FROM {name} ORDER BY 1,2")
        )
