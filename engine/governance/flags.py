"""Flags: what was derived from a ground that is lost, and what is written on it."""

from __future__ import annotations

from collections.abc import Iterable

from epql.engine.governance.dependents import Dependent, standing_on
from epql.engine.governance.words import shown_reason
from epql.engine.records import Flag, assertion_id
from epql.engine.transaction import Transaction


def flag_text(ground: bytes, hops: int, agent: str, did: str, reason: str | None) -> str:
    """Why a dependent lost its ground; `did` is what became of the ground: 'retracted'."""
    steps = "" if hops == 1 else f", in {hops} steps"
    because = f": {shown_reason(reason)}" if reason else ""
    return f"derived from {assertion_id(ground)[:14]}…{steps}, which {agent} {did}{because}"


def flag_dependents(
    transaction: Transaction,
    ground: bytes,
    cause: bytes,
    agent: str,
    did: str,
    reason: str | None,
    apart: Iterable[bytes] = (),
) -> list[Dependent]:
    """Flag what stands on a ground that is lost; those that were flagged.

    `cause`: the digest of the move; `did`: the state it led to, such as 'retracted'; `apart`:
    assertions that the same statement deals with.
    """
    others = set(apart)
    found = [one for one in standing_on(transaction.db, [ground]) if one.digest not in others]
    for one in found:
        text = flag_text(ground, one.hops, agent, did, reason)
        transaction.append(Flag(transaction.tx, transaction.order, one.digest, cause, text))
    return found
