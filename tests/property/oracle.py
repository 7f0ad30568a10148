"""The oracle: what EPQL answers, written as lists and loops, with no SQL and no cleverness.

It keeps the events of every commit and folds them from the first one on for each question,
so a past answer cannot depend on anything that came later. Slow on purpose.

    oracle_writes    what asserting and moving add to the events
    oracle_governs   what voting, correcting, forbidding and declaring add
    oracle_standing  what stands of an assertion, piece by piece
    oracle_past      what stood and what was declared just after a commit
    oracle_trust     trust, and what a correction does to it
    oracle_resolve   credence, votes, and who wins a slot
    oracle_rules     what FORBID forbids
    oracle_changes   DIFF
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tests.property import oracle_changes, oracle_resolve, oracle_rules, oracle_trust
from tests.property.model import ANY, LIVE, Confirmed, Flagged, Identity, Refused, Row, Slot
from tests.property.oracle_governs import Governor
from tests.property.oracle_past import Past
from tests.property.oracle_standing import Candidate, Piece, Standing, View


@dataclass
class Oracle(Governor):
    """Statements go in (Writer, Governor), questions come out."""

    _pasts: dict[int, Past] = field(default_factory=dict)

    def past(self, tx: int) -> Past:
        """Everything up to commit `tx`."""
        if tx not in self._pasts:
            self._pasts[tx] = Past(self.commits[:tx])
        return self._pasts[tx]

    # ------------------------------------------------ questions

    def view(self, clock: int, **clauses: Any) -> View:
        """AS OF an instant: the last commit up to it, and it as the evaluation clock."""
        return View(sum(c.at <= clock for c in self.commits), clock, **clauses)

    def _seeing(self, view: View, answers: bool) -> View:
        """The view with its states as the policy says; `required` refuses one that chose none.

        LIVE and ANY written out choose none either, but what only lists takes them.
        """
        policy = self.past(view.tx).policy("lifecycle")
        unchosen = (None, LIVE, ANY) if answers else (None,)
        if policy == "required" and view.strict and view.lifecycle in unchosen:
            raise Refused("programming")
        if view.lifecycle is not None:
            return view
        return replace(view, lifecycle=frozenset({"approved"}) if policy == "approved" else LIVE)

    def candidates(self, view: View) -> list[Candidate]:
        """One per assertion with a piece the view sees: that asserted last, then starting last."""
        found = []
        view = self._seeing(view, answers=False)
        for standing in self.past(view.tx).standing.values():
            seen = [piece for piece in standing.pieces if view.sees(piece)]
            if seen:
                found.append(Candidate(standing, max(seen, key=_last)))
        return found

    def slots(self, view: View) -> dict[Slot, list[Candidate]]:
        """The candidates by slot; the object is part of the slot where MANY is declared."""
        slots: dict[Slot, list[Candidate]] = {}
        for candidate in self.candidates(view):
            content = candidate.standing.content
            slot: Slot = content.slot
            if self.past(view.tx).is_many(content.predicate):
                slot = (*slot, oracle_resolve.typed(content.object))
            slots.setdefault(slot, []).append(candidate)
        return slots

    def winners(self, view: View) -> list[tuple[Slot, list[Candidate], Candidate]]:
        """Each slot with its candidates and a winner of it."""
        past = self.past(view.tx)
        view = self._seeing(view, answers=True)
        return [
            (slot, candidates, winner)
            for slot, candidates in self.slots(view).items()
            for winner in oracle_resolve.winners(past, candidates, view)
        ]

    def beliefs(self, view: View) -> list[Row]:
        """One row per slot, or all candidates under RESOLVE BY NONE."""
        rows = []
        for _, candidates, winner in self.winners(view):
            obj = oracle_resolve.object_of(winner)
            others = [oracle_resolve.object_of(c) != obj for c in candidates]
            support = len(oracle_resolve.supporters(candidates, winner))
            rows.append(self.row(winner, view) | {"support": support, "disputed": int(any(others))})
        return rows

    def assertions(self, view: View) -> list[Row]:
        """One row per assertion."""
        flagged: set[Identity] = set()
        for commit in self.commits[: view.tx]:
            for event in commit.events:
                if isinstance(event, Flagged):
                    flagged.add(event.content.id)
                elif isinstance(event, Confirmed):
                    flagged.discard(event.content.id)
        return [
            self.row(candidate, view) | {"flagged": candidate.standing.content.id in flagged}
            for candidate in self.candidates(view)
        ]

    def row(self, candidate: Candidate, view: View) -> Row:
        """The columns that beliefs, assertions and history share."""
        content, piece = candidate.standing.content, candidate.piece
        past = self.past(view.tx)
        return {
            "subject": content.subject,
            "predicate": content.predicate,
            "object": content.object,
            "confidence": content.confidence,
            "credence": oracle_resolve.credence(past, candidate, view.clock),
            "lifecycle": piece.state,
            "agent": content.agent,
            "source": content.source,
            "topic": past.topic(content.subject),
            "valid_from": piece.start,
            "valid_to": piece.end,
            "recorded_at": piece.recorded_at,
            "tx": piece.tx,
            "id": content.id,
        }

    def history(self, view: View, since: int | None = None, until: int | None = None) -> list[Row]:
        """One row per span of commits in which a piece of an assertion stayed the same."""
        rows: list[Row] = []
        view = self._seeing(view, answers=False)
        for (_, number), spans in self._spans(view.tx).items():
            for tx_from, tx_to, standing in spans:
                piece = standing.pieces[number]
                began = self.commits[tx_from - 1].at
                ended = None if tx_to is None else self.commits[tx_to - 1].at
                if view.sees(piece) and Piece("", began, ended).overlaps(since, until):
                    rows.append(
                        self.row(Candidate(standing, piece), view)
                        | {"tx_from": tx_from, "tx_to": tx_to}
                        | {"believed_from": began, "believed_to": ended}
                    )
        return rows

    def _spans(
        self, last: int
    ) -> dict[tuple[Identity, int], list[tuple[int, int | None, Standing]]]:
        """By piece of an assertion: from commit, to commit, what stood."""
        spans: dict[tuple[Identity, int], list[tuple[int, int | None, Standing]]] = {}
        for tx in range(1, last + 1):
            for identity, standing in self.past(tx).standing.items():
                for number, piece in enumerate(standing.pieces):
                    known = spans.setdefault((identity, number), [])
                    if known:
                        began, _, old = known[-1]
                        if old.pieces[number] == piece:
                            continue
                        known[-1] = (began, tx, old)
                    known.append((tx, None, standing))
        return spans

    def trust(self, view: View) -> list[Row]:
        """The relation `trust`."""
        return oracle_trust.relation(self.past(view.tx))

    def constraints(self, view: View) -> list[Row]:
        """The relation `constraints`."""
        return oracle_rules.relation(self.past(view.tx), view.clock)

    def check(self, view: View, triple: oracle_rules.Triple) -> list[Row]:
        """CHECK, read only."""
        return oracle_rules.check(self.past(view.tx), triple, view.clock)

    def commit_rows(self, view: View) -> list[Row]:
        """The relation `commits`: who wrote, and when."""
        past = self.commits[: view.tx]
        return [{"tx": c.tx, "recorded_at": c.at, "agent": c.agent} for c in past]

    def changes(self, since: int, until: int, **clauses: Any) -> list[Row]:
        """DIFF of beliefs between two instants, each with its own clock."""
        return oracle_changes.changes(self, since, until, clauses)

    def compared(
        self, since: int, until: int, key: tuple[str, ...] | None, **clauses: Any
    ) -> list[Row]:
        """DIFF of `SELECT subject, predicate, object, lifecycle FROM beliefs`."""
        return oracle_changes.compared(self, since, until, key, clauses)


def _last(piece: Piece) -> tuple[int, int, float]:
    return piece.tx, piece.order, float("-inf") if piece.start is None else piece.start
