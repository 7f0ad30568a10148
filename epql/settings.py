"""What SET and BEGIN change: who speaks, in which zone, which clauses stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, tzinfo
from typing import Any, ClassVar

from msgspec import structs

from epql import nodes
from epql.engine.content import check_name
from epql.engine.errors import Error
from epql.nodes import NO_CLAUSES, Clauses
from epql.plan.relations import merged
from epql.plan.scope import Resolver
from epql.plan.settled import settled
from epql.plan.values import value
from epql.zone import zone_of


@dataclass
class State:
    """What SET and BEGIN change. `standing`: clauses in force unless a statement says others."""

    agent: str
    zone: tzinfo = UTC
    purpose: str | None = None
    notices: bool = True
    fuse: bool = True
    session: Clauses = NO_CLAUSES
    transaction: Clauses = NO_CLAUSES
    explicit: bool = False
    read_only: bool = False
    version: ClassVar[int] = 0
    """Differs once anything was changed."""

    def __setattr__(self, name: str, found: object) -> None:
        vars(self)[name] = found
        vars(self)["version"] = self.version + 1

    @property
    def standing(self) -> Clauses:
        """The transaction's clauses over the session's (R4)."""
        return merged(self.transaction, self.session)

    def become(self, other: State) -> None:
        """Take over all that another one says; whoever holds this one sees it."""
        for each in fields(self):
            setattr(self, each.name, getattr(other, each.name))

    # ------------------------------------------------------------ SET

    def set(self, statement: nodes.Set, resolver: Resolver) -> None:
        """Carry out SET. Raises: what its value is wrong about."""
        if statement.name is None:
            self._set_clauses(statement.clauses, resolver)
            return
        assert statement.value is not None
        found = value(statement.value, resolver.params, resolver.evaluate)
        setters: dict[str, Callable[[Any], None]] = {
            "agent": self._set_agent,
            "purpose": self._set_purpose,
            "time zone": self._set_zone,
            "notices": self._set_notices,
            "fuse": self._set_fuse,
        }
        try:
            setters[statement.name](found)
        except Error as error:
            raise error.with_span(statement.value.meta.get("span") or statement.span) from None

    def _set_clauses(self, clauses: Clauses, resolver: Resolver) -> None:
        as_of = clauses.as_of
        resolver.snapshot(structs.replace(clauses, as_of=None))  # what is wrong is refused now
        standing = settled(clauses, resolver)
        taken = {n: getattr(standing, n) for n in Clauses.__struct_fields__ if getattr(clauses, n)}
        if as_of is not None:
            is_now = as_of.instant.base == "now" and not as_of.instant.shift and not as_of.before
            taken["as_of"] = None if is_now else standing.as_of
        self.session = structs.replace(self.session, **taken)

    def _set_agent(self, found: Any) -> None:
        self.agent = check_name("agent", found)

    def _set_purpose(self, found: Any) -> None:
        self.purpose = None if found is None else check_name("purpose", found)

    def _set_zone(self, found: Any) -> None:
        self.zone = zone_of(check_name("time zone", found))

    def _set_notices(self, found: Any) -> None:
        self.notices = found == "on"

    def _set_fuse(self, found: Any) -> None:
        self.fuse = found == "on"
