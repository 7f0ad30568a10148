"""BLAME target: who brought each part of the answer to where it is."""

from __future__ import annotations

from epql.nodes import Blame
from epql.questions import targets
from epql.questions.inquiry import Inquiry, Reply
from epql.questions.why import notice_no_answer


def run(inquiry: Inquiry, statement: Blame) -> Reply:
    """The parts of each assertion that a target names; of a slot, those of its answer."""
    snapshot = inquiry.snapshot("blame", statement.clauses)
    named = targets.named(inquiry, statement.target, statement.clauses, snapshot)
    for arguments in named:
        if arguments[2] is None:
            notice_no_answer(inquiry, arguments, snapshot)
    return inquiry.ask("blame", snapshot, named)
