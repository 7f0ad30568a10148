"""26 years of Python's decisions through SQLAlchemy, as pandas DataFrames.

    epql demo peps.epql                                 loads the history of the PEPs
    python examples/sqlalchemy_pandas.py peps.epql

Needs: pip install 'epql[sqlalchemy]' pandas
"""

from __future__ import annotations

import sys
from datetime import datetime

import pandas as pd
from sqlalchemy import Engine, Label, case, create_engine, func, inspect, select, text

from epql.sqlalchemy import cursor_of, relation, table_function

beliefs = relation("beliefs")
history = relation("history")


def what_there_is(engine: Engine) -> None:
    inspector = inspect(engine)
    columns = [column["name"] for column in inspector.get_columns("beliefs")]
    print(f"{len(inspector.get_table_names())} relations; beliefs has {', '.join(columns[:5])} …\n")


def status_then(engine: Engine) -> None:
    """A text is EPQL; every instant is a parameter."""
    query = text(
        "SELECT object FROM beliefs WHERE subject = 'pep/484' AND predicate = 'status' AS OF :day"
    )
    with engine.connect() as connection:
        for day in ("2015-01-20", "2015-06-01", "2024-01-01"):
            print(f"PEP 484 on {day}: {connection.execute(query, {'day': day}).scalar()}")
        basis = cursor_of(connection.execute(query, {"day": "2015-06-01"})).basis
        assert basis is not None
        print(f"(the second answer stands on transaction {basis.tx})\n")


def decided_by(engine: Engine) -> pd.DataFrame:
    """How many proposals of each type are approved, wherever the engine stands in time."""
    kind = beliefs.alias("kind")
    query = (
        select(kind.c.object.label("type"), func.count().label("approved"))
        .join_from(beliefs, kind, kind.c.subject == beliefs.c.subject)
        .where(beliefs.c.predicate == "proposes", kind.c.predicate == "type")
        .group_by(kind.c.object)
    )
    return pd.read_sql(query, engine, index_col="type")


def then_and_now(engine: Engine) -> None:
    """One query, three engines: each stands at another day, all share one pool."""
    days = ("2005-01-01", "2015-01-01", "2025-01-01")
    frames = {
        day: decided_by(engine.execution_options(epql_as_of=day, epql_lifecycle="approved"))
        for day in days
    }
    table = pd.concat([frame["approved"].rename(day[:4]) for day, frame in frames.items()], axis=1)
    print("Approved by then:\n", table.sort_index().fillna(0).astype(int), "\n", sep="")


def changes_of_a_month(engine: Engine) -> None:
    """A DIFF is a relation like any other: here as a table function, its instants as datetimes."""
    changes = table_function("changes", since="2015-05-01", until="2015-06-01", lifecycle_in="any")
    query = (
        select(
            changes.c.subject, changes.c.before_lifecycle.label("before"),
            changes.c.after_lifecycle.label("after"), changes.c.at,
        )
        .where(changes.c.predicate == "proposes")
        .order_by(changes.c.at)
    )  # fmt: skip
    frame = pd.read_sql(query, engine)
    frame["day"] = frame.pop("at").dt.date
    print("May 2015:\n", frame.to_string(index=False), "\n", sep="")


def how_long_it_takes(engine: Engine) -> None:
    """From the first draft to approval: columns of instants are datetimes, and subtract."""

    def first(state: str) -> Label[datetime]:
        when = case((history.c.lifecycle == state, history.c.believed_from))
        return func.min(when).label(state)

    query = (
        select(history.c.subject, first("proposed"), first("approved"))
        .where(history.c.predicate == "proposes", history.c.lifecycle_in == "any")
        .group_by(history.c.subject)
    )
    frame = pd.read_sql(query, engine).dropna()
    frame["days"] = (frame["approved"] - frame["proposed"]).dt.days
    by_year = frame.groupby(frame["proposed"].dt.year)["days"].agg(["count", "median"])
    by_year.index.name = "year"
    print("Drafts that came to be approved, and the median of days until then:")
    print(by_year.astype(int).loc[2012:2016].to_string())


def main(path: str) -> None:
    engine = create_engine(f"epql:///{path}?read_only=true")
    what_there_is(engine)
    status_then(engine)
    then_and_now(engine)
    changes_of_a_month(engine)
    how_long_it_takes(engine)
    engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "peps.epql")
