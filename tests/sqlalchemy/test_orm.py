"""The ORM: relations mapped to classes, read at any instant; adding an object asserts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, exc, func, select, text
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import DeclarativeBase, Session, aliased, relationship

from epql.sqlalchemy import cursor_of, relation, table_function
from tests.clock import TestClock


class Base(DeclarativeBase):
    pass


class Assertion(Base):
    __table__ = relation("assertions", Base.metadata)
    if TYPE_CHECKING:
        id: Any
        subject: Any
        object: Any


class Belief(Base):
    __table__ = relation("beliefs", Base.metadata)
    assertion = relationship(
        Assertion, primaryjoin="foreign(Belief.id) == Assertion.id", viewonly=True, uselist=False
    )
    if TYPE_CHECKING:
        id: Any
        subject: Any
        predicate: Any
        object: Any
        agent: Any
        recorded_at: Any


@pytest.fixture
def session() -> Iterator[Session]:
    """TX 1 (5 January): 80. TX 2 (8 January): 8080."""
    clock = TestClock("2026-01-05T10:00:00Z")
    with Session(create_engine("epql://", connect_args={"clock": clock})) as session:
        session.execute(text("ASSERT ('svc/web', 'port', 80) SOURCE 'wiki'"))
        session.commit()
        clock.set("2026-01-08T10:00:00Z")
        session.execute(text("ASSERT ('svc/web', 'port', 8080) AGENT 'bob'"))
        session.commit()
        yield session


def test_beliefs_are_objects(session: Session) -> None:
    [belief] = session.execute(select(Belief).where(Belief.subject == "svc/web")).scalars()
    assert (belief.object, belief.agent) == (8080, "bob")
    assert belief.recorded_at == datetime(2026, 1, 8, 10, tzinfo=UTC)
    assert session.get(Belief, belief.id) is belief
    assert session.scalar(select(func.count()).select_from(Belief)) == 1


def test_a_query_at_another_instant(session: Session) -> None:
    query = select(Belief.object)
    assert session.scalars(query.where(Belief.__table__.c.as_of == "2026-01-06")).all() == [80]
    assert session.scalars(query.suffix_with("AS OF TX 1")).all() == [80]
    past = aliased(Belief, table_function("beliefs", as_of=1), adapt_on_names=True)
    [found] = session.scalars(select(past)).all()
    assert (type(found), found.object) == (Belief, 80)


def test_a_session_in_the_past(session: Session) -> None:
    engine = session.get_bind()
    with Session(engine.execution_options(epql_as_of="2026-01-06")) as past:
        [belief] = past.scalars(select(Belief)).all()
        assert belief.object == 80 and belief.assertion.source == "wiki"
        past.add(Assertion(subject="a", predicate="b", object=1))
        with pytest.raises(exc.ProgrammingError, match=r"transaction\.in_the_past"):
            past.flush()


def test_assertions_are_added(session: Session) -> None:
    added = Assertion(subject="svc/db", predicate="port", object=5432, confidence=0.8)
    session.add(added)
    session.commit()
    assert added.id.startswith("a:") and added.lifecycle == "proposed"
    session.add_all(Assertion(subject=f"n/{n}", predicate="p", object=n) for n in range(5))
    session.commit()
    assert session.scalar(select(func.count()).select_from(Belief)) == 7
    assert session.scalar(text("SELECT max(tx) FROM commits")) == 4


def test_what_is_believed_is_not_changed_by_assigning(session: Session) -> None:
    [belief] = session.scalars(select(Belief)).all()
    belief.object = 1
    with pytest.raises(exc.ProgrammingError, match=r"statement\.update"):
        session.commit()
    session.rollback()
    session.delete(session.scalars(select(Belief)).one())
    with pytest.raises(exc.ProgrammingError, match=r"statement\.delete"):
        session.commit()


def test_notices_of_a_query_of_objects(session: Session) -> None:
    session.execute(text("PROMOTE :id"), {"id": first(session)})
    session.commit()
    result = session.execute(
        select(Belief).where(Belief.subject == "svc/web", Belief.predicate == "port")
    )
    assert result.scalars().all()[0].object == 8080
    assert "while 80 is approved" in cursor_of(result).notices[0]


def first(session: Session) -> str:
    found = session.scalar(text("SELECT id FROM assertions WHERE object = 80"))
    assert isinstance(found, str)
    return found


def test_automap_finds_relations_with_a_key(session: Session) -> None:
    base: Any = automap_base()
    base.prepare(autoload_with=session.get_bind())
    assert {"beliefs", "assertions", "commits", "trust"} <= set(base.classes.keys())
    commits = base.classes.commits
    assert session.scalars(select(commits.agent).order_by(commits.tx)).all() == [
        "anonymous", "anonymous",
    ]  # fmt: skip
