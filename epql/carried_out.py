"""Which statements write, and by which verb; which are understood but not carried out yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from epql import nodes
from epql.verbs import (
    assert_,
    correct,
    declare,
    forbid,
    inserts,
    moves,
    naming,
    policies,
    repeal,
    revive,
    supersede,
    views,
    votes,
)
from epql.verbs.work import Answer, Work

VERBS: dict[type, Callable[[Work, Any], Answer]] = {
    nodes.Assert: assert_.run,
    nodes.Insert: inserts.run,
    nodes.Transition: moves.transition,
    nodes.Revive: revive.run,
    nodes.Retract: moves.retract,
    nodes.Supersede: supersede.run,
    nodes.Confirm: votes.confirm,
    nodes.Correct: correct.run,
    nodes.DefineAgent: naming.define_agent,
    nodes.DefinePolicy: policies.define_policy,
    nodes.DefinePredicate: declare.define_predicate,
    nodes.DefineTopic: naming.define_topic,
    nodes.Vote: votes.vote,
    nodes.DefineQuery: views.define_query,
    nodes.DropQuery: views.drop_query,
    nodes.MarkEpoch: declare.mark_epoch,
    nodes.Forbid: forbid.run,
    nodes.Repeal: repeal.run,
}
"""The verb of each statement that writes."""

NOT_YET: dict[type, str] = {
    nodes.Erase: "ERASE",
}
"""Statements that are understood but not carried out yet, as the user knows them."""
