"""The format pages say what the program writes: records byte by byte, the index's tables."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

import epql
from epql.engine.audit.record import KINDS as AUDIT_KINDS
from epql.engine.audit.schema import SCHEMA as AUDIT_SCHEMA
from epql.engine.digest import digest
from epql.engine.head import head_of
from epql.engine.index.schema import SCHEMA
from epql.engine.lifecycle import CODE
from epql.engine.lock import Note, decode_note, encode_note
from epql.engine.records import (
    KINDS,
    Assertion,
    CommitInfo,
    Constraint,
    Correction,
    Declaration,
    Epoch,
    Flag,
    Record,
    Repeal,
    Tended,
    Transition,
    TrustChange,
    Use,
    Vote,
    assertion_id,
    decode,
    encode,
    key_of,
)
from tests.docs.pages import DOCS, blocks_of

RECORDS = (DOCS / "formats" / "records.md").read_text()
AUDIT = (DOCS / "formats" / "audit.md").read_text()
INDEX = (DOCS / "formats" / "index.md").read_text()

ALGORITHM = Assertion("auth/jwt", "algorithm", "RS256", 0.92, "architect", "adr:12")
ADDRESS = key_of("H", encode(ALGORITHM))[2:]
EXAMPLES: dict[str, Record] = {
    "H": ALGORITHM,
    "L": Transition(2, 1, ADDRESS, "approved", "deprecated", "TRANSITION", "sre", "too slow"),
    "E": Epoch(3, "release-1.4", "architect"),
    "D": Declaration(
        4,
        1,
        "predicate",
        "load",
        (("cardinality", "one"), ("half_life", 86_400_000_000), ("type", "number")),
        "architect",
    ),
    "V": Vote(5, 1, ADDRESS, True, 0.5, "sre", "measured"),
    "C": Constraint(
        6, 1, "http/*", "library", "urllib*", "supervisor",
        prefer="axios", reason="house standard",
    ),
    "R": Repeal(7, 1, ADDRESS, "supervisor"),
    "X": Correction(8, 2, ADDRESS, "sre", "every token got 401"),
    "U": Use(9, 1, "assertion", ADDRESS, "sre", "load test"),
    "T": TrustChange(10, 1, "architect", "auth", 0.0, 1.0, "author", ADDRESS, ADDRESS),
    "F": Flag(10, 2, ADDRESS, ADDRESS, "its ground is incorrect"),
    "G": Tended(10, 3, ADDRESS),
    "M": CommitInfo(1, "architect"),
}  # fmt: skip


def section(kind: str) -> str:
    found = re.search(rf"^## {kind}: .*?(?=^## |\Z)", RECORDS, re.MULTILINE | re.DOTALL)
    assert found, f"no section for kind {kind}"
    return found[0]


def shown(kind: str) -> bytes:
    """The bytes of a section's worked example: the first column of its hex block."""
    (block,) = [block for block in blocks_of(section(kind)) if block.language == "hex"]
    return bytes.fromhex("".join(line.split("   ")[0] for line in block.lines))


def test_there_is_an_example_of_every_kind() -> None:
    assert set(EXAMPLES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_examples_are_what_the_program_writes(kind: str) -> None:
    assert shown(kind) == encode(EXAMPLES[kind])
    assert decode(kind, shown(kind)) == EXAMPLES[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_the_fields_are_in_the_order_of_the_page(kind: str) -> None:
    told = re.findall(r"^\| \d+ \| `(\w+)`", section(kind), re.MULTILINE)
    assert told == [field.name for field in msgspec.structs.fields(KINDS[kind])]


def test_the_id_of_the_example_is_in_the_page() -> None:
    assert assertion_id(ADDRESS) in RECORDS


def test_the_states_have_the_numbers_of_the_page() -> None:
    told = re.findall(r"^\| (\d) \| (\w+) \|", RECORDS, re.MULTILINE)
    assert told == [(str(number), name) for name, number in CODE.items()]


def test_every_table_of_the_index_has_its_columns_in_the_page() -> None:
    check_tables(SCHEMA, INDEX)


def check_tables(schema: str, page: str) -> None:
    for name, columns in re.findall(
        r"CREATE TABLE (\w+)\((.*?)\)(?: WITHOUT ROWID)?;", schema, re.DOTALL
    ):
        names = [
            part.split()[0]
            for part in re.sub(r"\(.*?\)", "", columns).split(",")
            if part.split()[0] not in ("PRIMARY", "UNIQUE")
        ]
        part = page.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
        assert re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) == names, name


def test_every_table_of_the_audit_has_its_columns_in_the_page() -> None:
    check_tables(AUDIT_SCHEMA, AUDIT)


@pytest.mark.parametrize("kind", AUDIT_KINDS)
def test_the_fields_of_the_audit_are_in_the_order_of_the_page(kind: str) -> None:
    part = re.search(rf"^### {kind}: .*?(?=^##|\Z)", AUDIT, re.MULTILINE | re.DOTALL)
    assert part
    told = re.findall(r"^\| \d+ \| `(\w+)`", part[0], re.MULTILINE)
    assert told == [field.name for field in msgspec.structs.fields(AUDIT_KINDS[kind])]


# ---------------------------------------------------------------- small files


def test_a_backup_s_manifest_has_the_lines_of_its_page(tmp_path: Path) -> None:
    page = (DOCS / "formats" / "backup.md").read_text()
    (shown,) = [block for block in blocks_of(page) if block.language == "text"]
    told = [line.partition("  ")[0].split(" ") for line in shown.lines]
    with closing(epql.connect(":memory:", autocommit=True)) as connection:
        connection.execute("ASSERT ('a', 'b', 'c')")
        made = connection.backup(tmp_path / "b")
        (digest,) = connection.execute("SELECT digest FROM commits").fetchone()
    lines = (tmp_path / "b" / "BACKUP").read_text().splitlines()
    assert [line.split(" ")[0] for line in lines] == [words[0] for words in told]
    assert lines == ["EPQL backup", "version 1", "tx 1", f"digest {digest}"]
    assert made.head.startswith(f"1:{digest}:")


def test_the_note_in_lock_lies_as_its_page_says() -> None:
    page = (DOCS / "formats" / "journal.md").read_text()
    part = page.partition("## The note in LOCK")[2].partition("## A worked example")[0]
    told = re.findall(r"^\| (\d+) \| (\d+) \| ([\w -]+) \|", part, re.MULTILINE)
    note = Note("writing", 7, 120, 42, "0123456789abcdef", 1_700, 1_701)
    line = encode_note(note).decode()
    fields = {name: line[int(at) : int(at) + int(size)] for at, size, name in told}
    check = digest(line[:112].encode()).hex()[:15]
    assert fields == {
        "state": "writing", "segment": f"{7:020d}", "offset": f"{120:012d}", "pid": f"{42:010d}",
        "boot id": "0123456789abcdef", "since": f"{1700:020d}", "instant": f"{1701:020d}",
        "check": check, "end": "\n",
    }  # fmt: skip
    assert decode_note(line.encode()) == note


def test_a_head_is_written_as_its_page_says(tmp_path: Path) -> None:
    with closing(epql.connect(tmp_path / "kb", autocommit=True)) as connection:
        connection.execute("ASSERT ('a', 'b', 'c')")
    (segment,) = (tmp_path / "kb" / "journal").iterdir()
    data = segment.read_bytes()
    assert str(head_of(tmp_path / "kb")) == f"1:{data[-32:].hex()}:{data[16:32].hex()}"


def test_the_file_format_has_two_lines(tmp_path: Path) -> None:
    epql.connect(tmp_path / "kb").close()
    assert (tmp_path / "kb" / "FORMAT").read_bytes() == b"EPQL database\nversion 1\n"
