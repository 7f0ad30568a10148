"""WHY target: winner, losers, and what decided."""

from __future__ import annotations

from epql.engine.explain import words
from epql.engine.explain.slot import slot_named, winners
from epql.engine.index.snapshot import Snapshot
from epql.nodes import Why
from epql.questions import targets
from epql.questions.inquiry import Inquiry, Reply
from epql.questions.targets import Arguments


def run(inquiry: Inquiry, statement: Why) -> Reply:
    """The facts of the slots that a target names; what is named stands first."""
    snapshot = inquiry.snapshot("why", statement.clauses)
    named = targets.named(inquiry, statement.target, statement.clauses, snapshot)
    named = targets.one_for_each_slot(inquiry, named)
    for arguments in named:
        notice_no_answer(inquiry, arguments, snapshot)
    return inquiry.ask("why", snapshot, named)


def notice_no_answer(inquiry: Inquiry, arguments: Arguments, snapshot: Snapshot) -> None:
    """Tell that a slot answers nothing at a snapshot."""
    subject, predicate, _ = arguments
    slot = predicate and slot_named(inquiry.database, subject, predicate, snapshot.tx)
    if slot and not winners(inquiry.database, slot, snapshot):
        inquiry.notice(f"nothing is believed about {words.triple(subject, predicate)} here")
