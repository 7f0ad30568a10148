"""What a person is told of replacements: those of SUPERSEDE and of CORRECT … TO."""

from __future__ import annotations

from collections.abc import Sequence

from epql.engine import lookup
from epql.engine.governance import four_eyes
from epql.engine.records import assertion_id
from epql.engine.transaction import Outcome
from epql.verbs.work import Work


def tell(work: Work, made: Sequence[Outcome]) -> None:
    """Notices of replacements that stood already, or wait for another agent's approval."""
    fresh = {outcome.digest for outcome in made if outcome.done == "new"}
    is_guarded = four_eyes.is_on(work.transaction)
    for digest in dict.fromkeys(outcome.digest for outcome in made):
        if digest in fresh and not is_guarded:
            continue
        name, state = assertion_id(digest)[:14] + "…", lookup.state_of(work.database, digest)
        if digest not in fresh:
            work.notice(f"the replacement {name} stood already: {state}")
        if is_guarded and state == "review":
            work.notice(f"{name} is in review: under four_eyes another agent has to PROMOTE it")
