"""What the statements of governing do: judging assertions, rules, declarations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.property import oracle_resolve, oracle_rules
from tests.property.model import (
    INITIAL,
    LIVE,
    MOVES,
    Asserted,
    Confirmed,
    Content,
    Corrected,
    Declared,
    Forbidden,
    Moved,
    Object,
    Refused,
    Repealed,
    Used,
    Voted,
)
from tests.property.oracle_past import Past
from tests.property.oracle_standing import Piece
from tests.property.oracle_writes import Writer, inherited


class Governor(Writer):
    """A Writer that also judges, corrects, forbids and declares."""

    # ------------------------------------------------ assertions

    def vote(self, target: Content, is_for: bool, weight: float, agent: str, now: int = 0) -> None:
        """VOTE: only what is live is voted on."""
        if self.open_past(now).standing[target.id].head.state not in LIVE:
            raise Refused("integrity")
        self.pending.append(Voted(target, is_for, weight, agent))

    def confirm(self, target: Content, agent: str, now: int = 0) -> None:
        """CONFIRM: what still stands was checked again."""
        if self.open_past(now).standing[target.id].head.state not in INITIAL:
            raise Refused("integrity")
        self.pending.append(Confirmed(target, agent))

    def correct(
        self,
        target: Content,
        agent: str,
        now: int = 0,
        obj: Object | None = None,
        forbid: bool = False,
        prefer: Object | None = None,
        reason: str | None = None,
    ) -> Content | None:
        """CORRECT target [TO obj] [FORBID [PREFER prefer]]; returns what is asserted instead."""
        past = self.open_past(now)
        head = past.standing[target.id].head
        if "incorrect" not in MOVES.get(head.state, ()):
            raise Refused("integrity")
        new = None if obj is None else self._replacement(target, head, obj, agent, now)
        if forbid and new and obj == target.object:  # 1 for 1.0: the rule would meet it, too
            raise Refused("integrity")
        if new and self.is_news(past, new, now):
            self.check_rules(past, new)
            state = inherited(past, head.state)
            self.pending.append(Asserted(new, state, agent, None, "CORRECT"))
        self.transition(target, "incorrect", agent, now, reason, "CORRECT")
        if forbid:  # a rule of its own, whatever rules there are
            number = 1 + sum(1 for _ in self.open_past(now).events(Forbidden))
            instead = obj if prefer is None else prefer
            triple = oracle_rules.triple_of(target)
            self.pending.append(Forbidden(number, *triple, "HARD", instead, agent, reason))
        self.pending.append(Corrected(target, agent, reason))
        return new

    def _replacement(
        self, target: Content, head: Piece, obj: Object, agent: str, now: int
    ) -> Content:
        """What CORRECT … TO asserts: another object for the valid time of the head.

        The instant of this very transaction is not known yet, so no valid time can end there.
        """
        if oracle_resolve.typed(obj) == oracle_resolve.typed(target.object):
            raise Refused("integrity")
        new = Content(*target.slot, obj, agent, valid_from=head.start, valid_to=head.end)
        known = Past(self.commits).standing.get(target.id)
        if known and known.head == head:
            return new
        if head.end == self.instant(now):
            raise Refused("integrity")
        if head.start == self.instant(now):
            return replace(new, valid_from=None, valid_from_tx=self.next_tx)
        return new

    def revive(self, target: Content, agent: str, now: int = 0) -> None:
        """REVIVE: back to proposed; a part that was superseded lives on as the head."""
        past = self.open_past(now)
        standing = past.standing[target.id]
        number = standing.revivable
        if number is None:
            raise Refused("integrity")
        self.check_rules(past, target)
        was = standing.pieces[number].state
        self.pending.append(Moved(target, was, "proposed", agent, None, "REVIVE"))

    # ------------------------------------------------ rules and declarations

    def forbid(
        self,
        subject: str,
        predicate: str,
        obj: Object,
        severity: str,
        prefer: Object | None,
        agent: str,
        now: int = 0,
        reason: str | None = None,
    ) -> int:
        """FORBID; returns the rule's number, of an old one that says the same if there is one."""
        past = self.open_past(now)
        number = 1 + sum(1 for _ in past.events(Forbidden))
        rule = Forbidden(number, subject, predicate, obj, severity, prefer, agent, reason)
        for known in oracle_rules.in_force(past):
            if oracle_rules.same(known, rule):
                return known.number
        self.pending.append(rule)
        return number

    def repeal(self, number: int, now: int = 0) -> None:
        """REPEAL a rule that is in force."""
        if number not in {rule.number for rule in oracle_rules.in_force(self.open_past(now))}:
            raise Refused("integrity")
        self.pending.append(Repealed(number))

    def use(self, triple: oracle_rules.Triple, now: int) -> None:
        """CHECK at now: the rules that it hits have been used."""
        for rule in oracle_rules.hits(self.open_past(now), triple):
            self.pending.append(Used(rule.number))

    def declare(self, what: str, name: str, value: Any = None) -> None:
        """DEFINE POLICY, AGENT or TOPIC."""
        self.pending.append(Declared(what, name, value))
        past = self.open_past(0)
        if past.policy("four_eyes") == "on" and past.policy("default_state") == "approved":
            raise Refused("integrity")
