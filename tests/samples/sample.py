"""Sample databases: what one holds, how it is unpacked, what is asked of it.

    v1/NAME.tar.xz    a database's folder, as the program of that format left it
    v1/NAME.txt       what it is, its head, questions and the answers they had

The text has a line `head TX:DIGEST:ID`, a line `verdict sound`, and after each question (a line
that begins with `? `) its rows, columns separated by tabs, each value as JSON.
They are made once (make.py) and never again: what is in them has to be read for ever.
"""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import epql

FOLDER = Path(__file__).parent
NAMES = sorted(f"{path.parent.name}/{path.stem}" for path in FOLDER.glob("v*/*.txt"))


@dataclass
class Sample:
    """What the text says."""

    about: str
    head: str = ""
    answers: dict[str, list[str]] = field(default_factory=dict)


def read(name: str) -> Sample:
    """The text of a sample, such as `v1/plain`."""
    about, _, rest = (FOLDER / f"{name}.txt").read_text().partition("\n\n")
    sample = Sample(about)
    question = ""
    for line in rest.splitlines():
        if line.startswith("head "):
            sample.head = line[5:]
        elif line.startswith("? "):
            question = line[2:]
            sample.answers[question] = []
        elif line:
            sample.answers[question].append(line)
    return sample


def write(name: str, sample: Sample) -> None:
    """Make a sample's text."""
    lines = [sample.about, "", f"head {sample.head}"]
    for question, rows in sample.answers.items():
        lines += ["", f"? {question}", *rows]
    (FOLDER / f"{name}.txt").write_text("\n".join(lines) + "\n")


def unpack(name: str, to: Path) -> Path:
    """A copy of the database's folder."""
    with tarfile.open(FOLDER / f"{name}.tar.xz") as tar:
        tar.extractall(to, filter="data")
    (found,) = to.iterdir()
    return found


def ask(connection: epql.Connection, question: str) -> list[str]:
    """A question's answer, a line each row."""
    rows = connection.execute(question).fetchall()
    return ["\t".join(json.dumps(value, ensure_ascii=False) for value in row) for row in rows]
