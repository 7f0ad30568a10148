"""What a read is fixed to. Instants in microseconds UTC; transactions as numbers.

Everything a read of the index depends on is here, so that the same snapshot over the same
journal gives the same rows for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from epql.engine.clock import EVER, FOREVER
from epql.engine.lifecycle import CODE, LIVE

LIVE_STATES = tuple(CODE[name] for name in LIVE)
STRATEGIES = ("latest", "confidence", "credence", "consensus", "none")
WEIGHED = ("credence", "consensus")
"""The strategies that look at trust and freshness."""

StatesBy = Literal["policy", "unfiltered", "clause"]
"""What chose the states of a read: the policy, for want of a clause; LIFECYCLE LIVE or ANY, which
is as good as none; any other clause, or a caller that knows what it wants."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Belief time, evaluation clock, valid time, states and strategy of one relation.

    A valid interval [from, to) matches when from <= valid_high and to > valid_low: for AT v
    both are v, for [a, b) they are a and b - 1, for ANYTIME the ends of time.
    `window`: for HISTORY, the transactions (after, upto] whose versions are wanted.
    """

    tx: int
    clock: int
    valid_low: int
    valid_high: int
    states: tuple[int, ...] = LIVE_STATES
    strategy: str = "latest"
    window: tuple[int, int] | None = None
    states_by: StatesBy = "clause"

    @classmethod
    def at(cls, tx: int, clock: int, **more: object) -> Snapshot:
        """The snapshot at a transaction and clock, valid time at that clock."""
        return replace(cls(tx, clock, clock, clock), **more)  # type: ignore[arg-type]

    @property
    def at_one_instant(self) -> bool:
        """Whether valid time is one instant: then one piece of an assertion matches at most."""
        return self.valid_low == self.valid_high

    def anytime(self) -> Snapshot:
        """The same with every valid time."""
        return replace(self, valid_low=EVER, valid_high=FOREVER)

    def params(self) -> dict[str, int]:
        """The bindings that resolve.py's SQL names."""
        return {"t": self.tx, "vl": self.valid_low, "vh": self.valid_high}


@dataclass(frozen=True, slots=True)
class Window:
    """What DIFF compares: the answers at two snapshots, the earlier first.

    `moving`: valid time follows the clock (no VALID clause), so it differs between the sides.
    """

    since: Snapshot
    until: Snapshot
    moving: bool
