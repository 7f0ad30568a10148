"""The same history as polars frames: by the connector alone, and through SQLAlchemy.

    epql demo peps.epql                                 loads the history of the PEPs
    python examples/polars_frames.py peps.epql

Needs: pip install 'epql[sqlalchemy]' polars
"""

from __future__ import annotations

import sys

import polars as pl
from sqlalchemy import create_engine, select

import epql
from epql.sqlalchemy import relation

IDEAS = """
SELECT subject, object AS title, recorded_at FROM beliefs
WHERE predicate = 'proposes' ORDER BY subject
LIFECYCLE PROPOSED AS OF ?
"""


def open_ideas(connection: epql.Connection) -> pl.DataFrame:
    """polars reads any connection of PEP 249; instants come as texts, which sort and convert."""
    ideas = pl.read_database(IDEAS, connection, execute_options={"params": ("2016-01-01",)})
    when = pl.col("recorded_at").str.to_datetime(time_zone="UTC")
    return ideas.with_columns(when, words=pl.col("title").str.split(" ").list.len())


def what_became_of_them(path: str, ideas: pl.DataFrame) -> pl.DataFrame:
    """Through an engine that stands ten years on; the columns of a Table have their types."""
    engine = create_engine(f"epql:///{path}?read_only=true&as_of=2026-01-01&lifecycle=any")
    beliefs = relation("beliefs")
    query = select(beliefs.c.subject, beliefs.c.lifecycle, beliefs.c.recorded_at)
    with engine.connect() as connection:
        later = pl.read_database(query.where(beliefs.c.predicate == "proposes"), connection)
    engine.dispose()
    return ideas.join(later, on="subject", suffix="_later")


def changes_by_month(connection: epql.Connection) -> pl.DataFrame:
    """A DIFF of a year, counted by month and by what came of it."""
    changes = pl.read_database(
        "SELECT at, after_lifecycle AS state FROM beliefs"
        " DIFF SINCE '2015-01-01' UNTIL '2016-01-01'"
        " WHERE predicate = 'proposes' LIFECYCLE ANY",
        connection,
    )
    month = pl.col("at").str.slice(0, 7).alias("month")
    counted = changes.group_by(month, "state").len().sort("state")
    return counted.pivot("state", index="month", values="len")


def main(path: str) -> None:
    pl.Config.set_tbl_rows(12).set_tbl_hide_dataframe_shape(True).set_tbl_formatting(
        "ASCII_MARKDOWN"
    )
    connection = epql.connect(path, read_only=True)
    ideas = open_ideas(connection)
    print(f"{len(ideas)} ideas were open on 2016-01-01; the oldest since",
          ideas["recorded_at"].min().date())  # fmt: skip
    became = what_became_of_them(path, ideas)
    print(became.group_by("lifecycle").len().sort("len", "lifecycle", descending=[True, False]))
    print("\nWhat 2015 brought, by month:")
    print(changes_by_month(connection).fill_null(0).sort("month"))
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "peps.epql")
