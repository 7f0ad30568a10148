"""HISTORY OF target: what happened to it, in the order of belief time."""

from __future__ import annotations

from epql.nodes import HistoryOf
from epql.questions import targets
from epql.questions.inquiry import Inquiry, Reply


def run(inquiry: Inquiry, statement: HistoryOf) -> Reply:
    """The events of each assertion, or slot, that a target names."""
    snapshot = inquiry.snapshot("history_of", statement.clauses)
    named = targets.named(inquiry, statement.target, statement.clauses, snapshot)
    return inquiry.ask("history_of", snapshot, named)
