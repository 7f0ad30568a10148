"""`inspect(engine)`: relations are tables, named queries views, scratch tables temporary ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import MetaData, Table, create_engine, exc, inspect, select, text, types
from sqlalchemy.engine import Connection
from sqlalchemy.engine.reflection import Inspector

from epql.cli.peps import convert, shipped
from epql.engine.vtab.register import RELATIONS
from epql.sqlalchemy import Instant, Object, relation
from epql.sqlalchemy.relations import KEYS


@pytest.fixture
def connection() -> Iterator[Connection]:
    """A belief, a named query of it, and a scratch table."""
    with create_engine("epql://").connect() as connection:
        connection.execute(text("ASSERT ('svc/api', 'port', 8080), ('svc/api', 'owner', 'ann')"))
        connection.execute(
            text(
                "DEFINE QUERY Ports AS SELECT subject, object AS port, recorded_at, support"
                " FROM beliefs WHERE predicate = 'port'"
            )
        )
        connection.execute(text("CREATE TEMP TABLE seen (subject VARCHAR(30), port INTEGER, x)"))
        connection.commit()
        yield connection


@pytest.fixture(scope="module")
def peps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """The first 300 commits of the PEPs, and something of everything else."""
    folder = tmp_path_factory.mktemp("peps")
    file = folder / "peps.jsonl"
    file.write_text("\n".join(convert(shipped()[:300])) + "\n")
    with create_engine(f"epql:///{folder}/peps.epql").connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.import_history(file)
        for statement in (
            "MARK EPOCH 'loaded'",
            "DEFINE AGENT 'ann'", "DEFINE TOPIC 'old' (subjects = 'pep/1*')",
            "VOTE FOR ('pep/8', 'title')", "CONFIRM ('pep/8', 'title')",
            "ASSERT ('pep/8', 'note', 'x') BECAUSE (SELECT id FROM beliefs WHERE subject = 'pep/9'"
            " AND predicate = 'title')",
            "CORRECT ('pep/9', 'title') FORBID REASON 'a test'",
            "CHECK ('pep/9', 'title', 'x')",
        ):  # fmt: skip
            connection.exec_driver_sql(statement)
        connection.commit()
        yield connection


@pytest.fixture
def inspector(connection: Connection) -> Inspector:
    return inspect(connection)


def test_names(inspector: Inspector) -> None:
    assert inspector.get_table_names() == list(RELATIONS)
    assert inspector.get_view_names() == ["Ports"]
    assert inspector.get_temp_table_names() == ["seen"]
    assert inspector.get_schema_names() == []


@pytest.mark.parametrize("name", ["beliefs", "BELIEFS", "Ports", "ports", "seen"])
def test_what_is_there(inspector: Inspector, name: str) -> None:
    assert inspector.has_table(name)
    assert not inspector.has_table(name, schema="other")


def test_what_is_not_there(inspector: Inspector) -> None:
    assert not inspector.has_table("nothing")
    for asked in ("get_columns", "get_pk_constraint", "get_indexes", "get_view_definition"):
        with pytest.raises(exc.NoSuchTableError):
            getattr(inspector, asked)("nothing")


@pytest.mark.parametrize("name", RELATIONS)
def test_columns_of_relations_are_those_of_select_star(
    connection: Connection, inspector: Inspector, name: str
) -> None:
    described = connection.execute(text(f"DESCRIBE {name}")).all()
    names = [row.column for row in described if not row.hidden]
    assert [column["name"] for column in inspector.get_columns(name)] == names
    made = relation(name)
    assert [column.name for column in select(made).selected_columns] == names
    assert set(made.c.keys()) == {row.column for row in described}


def test_types(inspector: Inspector) -> None:
    columns = {one["name"]: type(one["type"]) for one in inspector.get_columns("beliefs")}
    assert columns["subject"] is types.TEXT and columns["confidence"] is types.REAL
    assert columns["object"] is Object and columns["tx"] is types.INTEGER
    assert columns["recorded_at"] is columns["valid_to"] is Instant
    ports = {one["name"]: type(one["type"]) for one in inspector.get_columns("ports")}
    assert ports == {
        "subject": types.TEXT, "port": Object, "recorded_at": types.TEXT, "support": types.INTEGER,
    }  # fmt: skip
    seen = {one["name"]: repr(one["type"]) for one in inspector.get_columns("seen")}
    assert seen == {"subject": "VARCHAR(length=30)", "port": "INTEGER()", "x": "Object()"}


def test_every_column_of_instants_has_their_type_and_no_other(peps: Connection) -> None:
    """Held against the rows of the first PEPs."""
    for name in RELATIONS:
        if RELATIONS[name].arguments or name == "checked":
            continue
        made = relation(name)
        arguments = "('2001-01-01')" if "since" in RELATIONS[name].hidden else ""
        rows = peps.exec_driver_sql(f"SELECT * FROM {name}{arguments} LIMIT 200")
        names = list(rows.keys())
        for row in rows:
            for column, value in zip(names, row, strict=True):
                is_instant = isinstance(made.c[column].type, Instant)
                if value is not None and not isinstance(made.c[column].type, Object):
                    assert is_instant == looks_like_an_instant(value), (name, column, value)


def looks_like_an_instant(value: object) -> bool:
    return isinstance(value, str) and len(value) == 27 and value[10] == "T" and value[-1] == "Z"


def test_keys_tell_rows_apart(peps: Connection) -> None:
    for name, keys in KEYS.items():
        columns = ", ".join(keys)
        counted = f"SELECT count(*), (SELECT count(*) FROM (SELECT DISTINCT {columns} FROM {name}))"
        rows, different = peps.exec_driver_sql(f"{counted} FROM {name}").one()
        assert rows == different, name
        assert inspect(peps).get_pk_constraint(name)["constrained_columns"] == list(keys)


def test_view_definition(inspector: Inspector) -> None:
    definition = inspector.get_view_definition("ports")
    assert definition.startswith("SELECT subject, object AS port")


def test_tables_are_reflected_with_their_rows(connection: Connection) -> None:
    metadata = MetaData()
    beliefs = Table("beliefs", metadata, autoload_with=connection)
    assert [column.name for column in beliefs.primary_key] == ["id"]
    query = select(beliefs.c.object).where(beliefs.c.predicate == "port")
    assert connection.execute(query).scalars().all() == [8080]
    ports = Table("Ports", metadata, autoload_with=connection)
    assert connection.execute(select(ports.c.port)).scalars().all() == [8080]


def test_a_whole_database_is_reflected(connection: Connection) -> None:
    metadata = MetaData()
    metadata.reflect(connection, views=True)
    assert set(metadata.tables) == {*RELATIONS, "Ports"}
