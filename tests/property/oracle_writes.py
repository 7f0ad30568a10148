"""What each writing statement does: it is refused, or adds events to the open transaction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tests.property import oracle_rules, oracle_trust
from tests.property.model import (
    LIVE,
    MOVES,
    TERMINAL,
    Asserted,
    Commit,
    Content,
    Corrected,
    Defined,
    Event,
    Flagged,
    Identity,
    Moved,
    Object,
    Refused,
    Superseded,
    Used,
    asserts,
    precedes,
)
from tests.property.oracle_past import Past
from tests.property.oracle_standing import Standing


@dataclass
class Writer:
    """Commits and the events of a transaction not yet committed."""

    commits: list[Commit] = field(default_factory=list)
    pending: list[Event] = field(default_factory=list)
    agent: str = "machine"
    """Who writes: the agent of the commits."""
    asked: int = -1
    """Up to when answers were given, where no commit has come since."""

    # ------------------------------------------------ asserting

    def assert_content(
        self, content: Content, state: str | None = None, now: int = 0, reason: str | None = None
    ) -> bool:
        """ASSERT. False when nothing was written because it is a retry."""
        past = self.open_past(now)
        lands = state or past.policy("default_state")
        if lands == "approved" and past.policy("four_eyes") == "on":
            raise Refused("integrity")
        if not self.is_news(past, content, now):
            return False
        self.check_rules(past, content)
        self.pending.append(Asserted(content, lands, content.agent, reason))
        return True

    def is_news(self, past: Past, content: Content, now: int) -> bool:
        """Whether asserting it writes anything. It must not be over."""
        known = past.standing.get(content.id)
        if known is not None and self._is_over(known, now):
            raise Refused("integrity")
        return self._latest_in_slot(content.slot) != content.id

    def _is_over(self, known: Standing, now: int) -> bool:
        """Whether content cannot be asserted again: terminal, or superseded by now."""
        end = known.head.end
        is_cut = end != known.content.valid_to and not precedes(self.instant(now), end)
        return is_cut or known.head.state in TERMINAL

    def check_rules(self, past: Past, content: Content) -> None:
        """What is about to be asserted is held against the rules: HARD refuses, SOFT is used."""
        met = oracle_rules.hits(past, oracle_rules.triple_of(content))
        if any(rule.severity == "HARD" for rule in met):
            raise Refused("integrity")
        self.pending += [Used(rule.number) for rule in met]

    def _latest_in_slot(self, slot: tuple[str, str]) -> Identity | None:
        events = [e for c in self.commits for e in c.events] + self.pending
        for event in reversed(events):
            new = asserts(event)
            if new is not None and new.slot == slot:
                return new.id
        return None

    # ------------------------------------------------ moving

    def transition(
        self,
        target: Content,
        state: str,
        agent: str,
        now: int = 0,
        reason: str | None = None,
        cause: str = "TRANSITION",
    ) -> None:
        """TRANSITION, and other moves with their own cause."""
        past = self.open_past(now)
        was = past.standing[target.id].head.state
        if state not in MOVES.get(was, ()):
            raise Refused("integrity")
        is_approval = state == "approved"
        eyes = (target.agent, past.recorder(target))
        if is_approval and past.policy("four_eyes") == "on" and agent in eyes:
            raise Refused("integrity")
        self.pending.append(Moved(target, was, state, agent, reason, cause))
        if is_approval:
            self.pending += oracle_trust.success(past, target, agent)
        if cause == "TRANSITION" and state in ("rejected", "retracted", "incorrect"):
            self._flag_derived(target, now)

    def _flag_derived(self, target: Content, now: int) -> None:
        """What was derived from it has lost its ground."""
        derived = oracle_trust.dependents(self.open_past(now), target)
        self.pending += [Flagged(child) for child in derived]

    def promote(self, target: Content, agent: str, now: int = 0) -> None:
        """PROMOTE: proposed and review become approved."""
        self.transition(target, "approved", agent, now)

    def reject(self, target: Content, agent: str, now: int = 0) -> None:
        """REJECT."""
        self.transition(target, "rejected", agent, now)

    def retract(self, target: Content, agent: str, now: int = 0) -> None:
        """RETRACT."""
        self.transition(target, "retracted", agent, now, cause="RETRACT")
        self._flag_derived(target, now)

    def retract_cascade(self, target: Content, agent: str, now: int = 0) -> None:
        """RETRACT CASCADE: also what was derived from it and stands."""
        for each in [target, *oracle_trust.dependents(self.open_past(now), target)]:
            self.transition(each, "retracted", agent, now, cause="RETRACT")

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
        past = self.open_past(now)
        old = past.standing[target.id]
        if old.head.state not in LIVE:
            raise Refused("integrity")
        cut = self.instant(now) if since is None else since
        if not precedes(cut, old.head.end):
            raise Refused("data")
        new = replace(
            target,
            object=obj,
            agent=agent,
            valid_from=since,
            valid_to=old.head.end,
            valid_from_tx=self.next_tx if since is None else 0,
            parents=(),
        )
        if new.id == target.id:
            raise Refused("integrity")
        fresh = self.is_news(past, new, now)
        if fresh:
            self.check_rules(past, new)
        state = inherited(past, old.head.state)
        self.pending.append(Superseded(target, new, state, since, agent, reason, fresh))
        return new

    # ------------------------------------------------ declarations and transactions

    def define(self, predicate: str, many: bool | None, half_life: int | None = None) -> None:
        """DEFINE PREDICATE."""
        self.pending.append(Defined(predicate, many, half_life))

    def commit(self, at: int) -> None:
        """COMMIT at an instant, or just after the last commit when the clock stood still.

        What a correction leads to is a further commit at once, one for each.
        """
        done, self.pending = tuple(self.pending), []
        if not done:
            return
        earlier = list(self.commits)
        whole = Commit(self.next_tx, self.instant(at), done, self.agent)
        self.commits.append(whole)
        for number, event in enumerate(done):
            if isinstance(event, Corrected):
                before = Past([*earlier, replace(whole, events=done[:number])])
                effects = oracle_trust.effects(Past(self.commits), before, event.content)
                self.commits.append(
                    Commit(self.next_tx, self.instant(at), tuple(effects), "gardener")
                )

    def rollback(self) -> None:
        """ROLLBACK."""
        self.pending = []

    def open_past(self, now: int) -> Past:
        """What the open transaction sees."""
        pending = Commit(self.next_tx, self.instant(now), tuple(self.pending), self.agent)
        return Past([*self.commits, pending])

    def instant(self, clock: int) -> int:
        """What COMMIT would stamp: the clock, but always after the last commit, and after what
        was asked about."""
        last = self.commits[-1].at if self.commits else -1
        return max(clock, last + 1, self.asked + 1)

    def ask(self, at: int) -> None:
        """Somebody asks as of an instant."""
        if not self.commits or at > self.commits[-1].at:
            self.asked = max(self.asked, at)

    @property
    def last_tx(self) -> int:
        return len(self.commits)

    @property
    def next_tx(self) -> int:
        return len(self.commits) + 1


def inherited(past: Past, state: str) -> str:
    """The state a replacement takes over; one that its author may not give becomes review."""
    return "review" if state == "approved" and past.policy("four_eyes") == "on" else state
