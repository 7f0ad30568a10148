"""The oracle: what EPQL answers, written as lists and loops, with no SQL and no cleverness.

It keeps the events of every commit and folds them from the first one on for each question,
so a past answer cannot depend on anything that came later. Slow on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tests.property.model import (
    LIVE,
    MOVES,
    TERMINAL,
    Asserted,
    Candidate,
    Commit,
    Content,
    Defined,
    Event,
    Identity,
    Moved,
    Object,
    Piece,
    Refused,
    Row,
    Slot,
    Standing,
    Superseded,
    View,
    apply,
    asserts,
    defines,
    last_event,
    precedes,
)

COMPARED = ("object", "confidence", "lifecycle", "agent", "valid_from", "valid_to", "id")
"""What makes a slot's answer another answer (DIFF)."""
WHOLE = ("subject", "predicate", "object", "lifecycle")
"""The columns of an answer that is compared as it stands."""


@dataclass
class Oracle:
    """Commits and the events of a transaction not yet committed."""

    commits: list[Commit] = field(default_factory=list)
    pending: list[Event] = field(default_factory=list)
    _folded: dict[int, dict[Identity, Standing]] = field(default_factory=dict)

    # ------------------------------------------------ writing

    def assert_content(
        self, content: Content, state: str | None = None, now: int = 0, reason: str | None = None
    ) -> bool:
        """ASSERT. False when nothing was written because it is a retry."""
        known = self._standing(now).get(content.id)
        if known is not None and self._is_over(known, now):
            raise Refused("integrity")
        if known is not None and self._latest_in_slot(content.slot) == content.id:
            return False
        self.pending.append(Asserted(content, state or "proposed", content.agent, reason))
        return True

    def _is_over(self, known: Standing, now: int) -> bool:
        """Whether content cannot be asserted again: terminal, or superseded by now."""
        end = known.head.end
        is_cut = end != known.content.valid_to and not precedes(self._instant(now), end)
        return is_cut or known.head.state in TERMINAL

    def transition(
        self,
        target: Content,
        state: str,
        agent: str,
        now: int = 0,
        reason: str | None = None,
        cause: str = "TRANSITION",
    ) -> None:
        """TRANSITION, and RETRACT with its own cause."""
        was = self._standing(now)[target.id].head.state
        if state not in MOVES.get(was, ()):
            raise Refused("integrity")
        self.pending.append(Moved(target, state, agent, reason, cause))

    def promote(self, target: Content, agent: str, now: int = 0) -> None:
        """PROMOTE: proposed and review become approved."""
        if self._standing(now)[target.id].head.state not in ("proposed", "review"):
            raise Refused("integrity")
        self.transition(target, "approved", agent, now)

    def reject(self, target: Content, agent: str, now: int = 0) -> None:
        """REJECT."""
        self.transition(target, "rejected", agent, now)

    def retract(self, target: Content, agent: str, now: int = 0) -> None:
        """RETRACT."""
        self.transition(target, "retracted", agent, now, cause="RETRACT")

    def supersede(
        self,
        target: Content,
        obj: Object,
        agent: str,
        now: int,
        since: int | None = None,
        reason: str | None = None,
    ) -> Content:
        """SUPERSEDE target WITH obj [FROM since]; returns what takes over."""
        old = self._standing(now)[target.id]
        if old.head.state not in LIVE:
            raise Refused("integrity")
        cut = self._instant(now) if since is None else since
        if not precedes(cut, old.head.end):
            raise Refused("data")
        new = replace(
            target,
            object=obj,
            agent=agent,
            valid_from=since,
            valid_to=old.head.end,
            valid_from_tx=self.next_tx if since is None else 0,
        )
        known = self._standing(now).get(new.id)
        if new.id == target.id or (known is not None and self._is_over(known, now)):
            raise Refused("integrity")
        asserts = self._latest_in_slot(new.slot) != new.id
        state = old.head.state
        self.pending.append(Superseded(target, new, state, since, agent, reason, asserts))
        return new

    def define(self, predicate: str, many: bool | None, half_life: int | None = None) -> None:
        """DEFINE PREDICATE."""
        self.pending.append(Defined(predicate, many, half_life))

    def commit(self, at: int) -> None:
        """COMMIT at an instant, or just after the last commit when the clock stood still."""
        if self.pending:
            self.commits.append(Commit(self.next_tx, self._instant(at), tuple(self.pending)))
        self.pending = []

    def rollback(self) -> None:
        """ROLLBACK."""
        self.pending = []

    def _instant(self, clock: int) -> int:
        """What COMMIT would stamp: the clock, but always after the last commit."""
        return max(clock, self.commits[-1].at + 1) if self.commits else clock

    @property
    def last_tx(self) -> int:
        return len(self.commits)

    @property
    def next_tx(self) -> int:
        return len(self.commits) + 1

    # ------------------------------------------------ the fold

    def fold(self, tx: int) -> dict[Identity, Standing]:
        """Every assertion as it stood just after commit `tx`."""
        if tx not in self._folded:
            standing: dict[Identity, Standing] = {}
            for commit in self.commits[:tx]:
                apply(standing, commit)
            self._folded[tx] = standing
        return self._folded[tx]

    def _standing(self, now: int) -> dict[Identity, Standing]:
        """Every assertion as the open transaction sees it."""
        standing = dict(self.fold(self.last_tx))
        apply(standing, Commit(self.next_tx, self._instant(now), tuple(self.pending)))
        return standing

    def _latest_in_slot(self, slot: tuple[str, str]) -> Identity | None:
        events = [e for c in self.commits for e in c.events] + self.pending
        for event in reversed(events):
            new = asserts(event)
            if new is not None and new.slot == slot:
                return new.id
        return None

    # ------------------------------------------------ questions

    def view(self, clock: int, **clauses: Any) -> View:
        """AS OF an instant: the last commit up to it, and it as the evaluation clock."""
        return View(sum(c.at <= clock for c in self.commits), clock, **clauses)

    def declaration(self, predicate: str, tx: int) -> Defined:
        """What was declared about a predicate as of a commit."""
        many, half_life = False, None
        for commit in self.commits[:tx]:
            for event in commit.events:
                if isinstance(event, Defined) and event.predicate == predicate:
                    many = many if event.many is None else event.many
                    half_life = half_life if event.half_life is None else event.half_life
        return Defined(predicate, many, half_life)

    def candidates(self, view: View) -> list[Candidate]:
        """One per assertion with a piece the view sees: that asserted last, then starting last."""
        found = []
        for standing in self.fold(view.tx).values():
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
            if self.declaration(content.predicate, view.tx).many:
                slot = (*slot, _typed(content.object))
            slots.setdefault(slot, []).append(candidate)
        return slots

    def beliefs(self, view: View) -> list[Row]:
        """One row per slot, or all candidates under RESOLVE BY NONE."""
        rows = []
        for candidates in self.slots(view).values():
            for winner in _winners(candidates, view.resolve):
                obj = _typed(winner.standing.content.object)
                others = [_typed(c.standing.content.object) != obj for c in candidates]
                agents = {
                    c.standing.content.agent
                    for c in candidates
                    if _typed(c.standing.content.object) == obj
                }
                rows.append(
                    self._row(winner, view) | {"support": len(agents), "disputed": int(any(others))}
                )
        return rows

    def assertions(self, view: View) -> list[Row]:
        """One row per assertion."""
        return [self._row(candidate, view) for candidate in self.candidates(view)]

    def _row(self, candidate: Candidate, view: View) -> Row:
        content, piece = candidate.standing.content, candidate.piece
        half_life = self.declaration(content.predicate, view.tx).half_life
        age = view.clock - candidate.piece.recorded_at
        freshness = 0.5 ** (age / half_life) if half_life else 1.0
        return {
            "subject": content.subject,
            "predicate": content.predicate,
            "object": content.object,
            "confidence": content.confidence,
            "credence": content.confidence * freshness,
            "lifecycle": piece.state,
            "agent": content.agent,
            "source": content.source,
            "topic": content.subject.split("/")[0],
            "valid_from": piece.start,
            "valid_to": piece.end,
            "recorded_at": candidate.piece.recorded_at,
            "tx": candidate.piece.tx,
            "id": content.id,
        }

    def history(self, view: View, since: int | None = None, until: int | None = None) -> list[Row]:
        """One row per span of commits in which a piece of an assertion stayed the same."""
        rows: list[Row] = []
        for (_, number), spans in self._spans(view.tx).items():
            for tx_from, tx_to, standing in spans:
                piece = standing.pieces[number]
                began = self.commits[tx_from - 1].at
                ended = None if tx_to is None else self.commits[tx_to - 1].at
                if view.sees(piece) and Piece("", began, ended).overlaps(since, until):
                    rows.append(
                        self._row(Candidate(standing, piece), view)
                        | {"tx_from": tx_from, "tx_to": tx_to}
                        | {"believed_from": began, "believed_to": ended}
                    )
        return rows

    def _spans(
        self, last: int
    ) -> dict[tuple[Identity, int], list[tuple[int, int | None, Standing]]]:
        """By piece (0 is the head, tails follow): from commit, to commit, what stood."""
        spans: dict[tuple[Identity, int], list[tuple[int, int | None, Standing]]] = {}
        for tx in range(1, last + 1):
            for identity, standing in self.fold(tx).items():
                for number, piece in enumerate(standing.pieces):
                    known = spans.setdefault((identity, number), [])
                    if known:
                        began, _, old = known[-1]
                        if old.pieces[number] == piece:
                            continue
                        known[-1] = (began, tx, old)
                    known.append((tx, None, standing))
        return spans

    # ------------------------------------------------ changes

    def changes(self, since: int, until: int, **clauses: Any) -> list[Row]:
        """DIFF of beliefs between two instants, each with its own clock."""
        before, after = self.answers(since, **clauses), self.answers(until, **clauses)
        rows = []
        for slot in {**before, **after}:
            old, new = before.get(slot), after.get(slot)
            if _compared(old) == _compared(new):
                continue
            change = "ADDED" if old is None else "REMOVED" if new is None else "CHANGED"
            row: Row = {"change": change, "subject": slot[0], "predicate": slot[1]}
            for name in COMPARED:
                row["before_" + name] = old[name] if old else None
                row["after_" + name] = new[name] if new else None
            rows.append(row | self._cause(slot, since, until, clauses))
        return rows

    def compared(
        self, since: int, until: int, key: tuple[str, ...] | None, **clauses: Any
    ) -> list[Row]:
        """DIFF of `SELECT subject, predicate, object, lifecycle FROM beliefs`."""
        before, after = self._rows_at(since, clauses), self._rows_at(until, clauses)
        gone, came = _without(before, after), _without(after, before)
        if key is None:
            return [{"change": "REMOVED", **row} for row in gone] + [
                {"change": "ADDED", **row} for row in came
            ]
        found: list[Row] = []
        names = [name for name in WHOLE if name not in key]
        for value in {tuple(row[name] for name in key) for row in gone + came}:

            def of(rows: list[Row], value: tuple[Any, ...] = value) -> list[Row]:
                return [row for row in rows if tuple(row[name] for name in key) == value]

            pairs: list[tuple[Row | None, Row | None]]
            if max(len(of(before)), len(of(after))) > 1:
                pairs = [(row, None) for row in of(gone)] + [(None, row) for row in of(came)]
            else:
                pairs = [(next(iter(of(gone)), None), next(iter(of(came)), None))]
            for old, new in pairs:
                change = "ADDED" if old is None else "REMOVED" if new is None else "CHANGED"
                row = {"change": change, **dict(zip(key, value, strict=True))}
                for name in names:
                    row["before_" + name] = old[name] if old else None
                    row["after_" + name] = new[name] if new else None
                found.append(row)
        return found

    def _rows_at(self, clock: int, clauses: dict[str, Any]) -> list[Row]:
        rows = self.beliefs(self.view(clock, **clauses))
        return [{name: row[name] for name in WHOLE} for row in rows]

    def answers(self, clock: int, **clauses: Any) -> dict[Slot, Row]:
        """The winner of each slot as of an instant; under NONE, each candidate by its id."""
        view = self.view(clock, **clauses)
        found: dict[Slot, Row] = {}
        for slot, candidates in self.slots(view).items():
            for winner in _winners(candidates, view.resolve):
                by_id = (*slot[:2], winner.standing.content.id)
                found[by_id if view.resolve == "none" else slot] = self._row(winner, view)
        return found

    def _cause(self, slot: Slot, since: int, until: int, clauses: dict[str, Any]) -> Row:
        """The last point at which the slot's answer became the after side."""

        def answer(clock: int) -> Any:
            return _compared(self.answers(clock, **clauses).get(slot))

        points = self._points(slot, since, until)
        after = answer(until)
        for earlier, point in reversed(list(zip([since, *points], points, strict=False))):
            if answer(earlier) == after:
                continue
            commit = next((c for c in self.commits if c.at == point), None)
            event = commit and last_event(commit, slot)
            if commit and event:
                told = {"cause": event.cause, "agent": event.agent, "reason": event.reason}
                return told | {"tx": commit.tx, "at": point}
            if commit and defines(commit, slot[1]):
                return {"cause": "DEFINE", "tx": commit.tx, "at": point}
            starts = after is not None and after[COMPARED.index("valid_from")] == point
            return {"cause": "VALID_START" if starts else "VALID_END", "at": point}
        raise AssertionError(f"{slot} changed at no point of {points}")

    def _points(self, slot: Slot, since: int, until: int) -> list[int]:
        """Instants in (since, until] at which the slot's answer may change."""
        points: set[int | None] = set()
        for commit in self.commits:
            if last_event(commit, slot) or defines(commit, slot[1]):
                points.add(commit.at)
            for standing in self.fold(commit.tx).values():
                if standing.content.slot == slot[:2]:
                    points |= {bound for p in standing.pieces for bound in (p.start, p.end)}
        return sorted(p for p in points if p is not None and since < p <= until)


def _winners(candidates: list[Candidate], resolve: str) -> list[Candidate]:
    """The winner of a slot, or every candidate for RESOLVE BY NONE."""
    if resolve == "none":
        return candidates
    by_time = sorted(candidates, key=lambda c: (c.piece.tx, c.piece.order))
    if resolve == "latest":
        return by_time[-1:]
    best = max(c.standing.content.confidence for c in candidates)
    return [c for c in by_time if c.standing.content.confidence == best][-1:]


def _last(piece: Piece) -> tuple[int, int, float]:
    return piece.tx, piece.order, float("-inf") if piece.start is None else piece.start


def _typed(obj: Object) -> tuple[str, Object]:
    return type(obj).__name__, obj


def _compared(row: Row | None) -> tuple[Any, ...] | None:
    return None if row is None else tuple(row[name] for name in COMPARED)


def _without(rows: list[Row], others: list[Row]) -> list[Row]:
    """What is left of rows once each of the others has taken one that is equal; 1 equals 1.0."""
    left = list(rows)
    for other in others:
        if other in left:
            left.remove(other)
    return left
