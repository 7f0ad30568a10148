"""The PEP history that is shipped (data/peps.jsonl.gz), turned into lines that can be imported.

Each line is one commit of the public PEP repository: header fields of PEPs, as [subject,
predicate, value]. A header is what the record says, so it is given lifecycle approved. From
status and title follows one fact more, (pep/N, proposes, title), whose lifecycle says what has
become of the proposal. Pure: lines in, lines out; docs/formats/history.md explains the result.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Any, NamedTuple

LIFECYCLE_OF = {
    "draft": "proposed", "incomplete": "proposed", "draught": "proposed",
    "deferred": "review", "postponed": "review",
    "accepted": "approved", "acepted": "approved", "provisional": "approved",
    "active": "approved", "approved": "approved", "final": "approved", "finished": "approved",
    "complete": "approved", "april fool!": "approved",
    "rejected": "rejected",
    "withdrawn": "retracted", "withdrawal": "retracted",
    "superseded": "superseded", "replaced": "superseded",
}  # fmt: skip
"""What a status (in lower case; spelt as it once was) says of the proposal."""


class Pep(NamedTuple):
    """What is known of one PEP so far."""

    title: str | None = None
    status: str | None = None

    @property
    def proposal(self) -> tuple[str, str] | None:
        """(title, lifecycle) of what it proposes; None while it has no title."""
        if self.title is None:
            return None
        return self.title, LIFECYCLE_OF.get((self.status or "draft").lower(), "proposed")


class Converter:
    """Turns lines one after the other; remembers title and status of each PEP."""

    def __init__(self) -> None:
        self._peps: dict[str, Pep] = {}

    def convert(self, line: dict[str, Any]) -> dict[str, Any]:
        """One commit of the file as one line for the import.

        >>> line = {"commit": "41", "at": 1, "agent": "editor-1", "facts": [
        ...     ["pep/1", "title", "PEP Purpose"], ["pep/1", "status", "Draft"]]}
        >>> list(Converter().convert(line)["facts"][-1].values())
        ['pep/1', 'proposes', 'PEP Purpose', 'proposed']
        """
        before = {subject: self._peps.get(subject, Pep()) for subject, _, _ in line["facts"]}
        facts = [self._header(*fact) for fact in line["facts"]]
        for subject, old in before.items():
            new = self._peps[subject].proposal
            if new == old.proposal:
                continue
            title, lifecycle = new or (None, None)
            facts.append(_fact(subject, "proposes", title, lifecycle))
        return {
            "commit": line["commit"],
            "at": line["at"],
            "agent": line["agent"],
            "source": f"commit:{line['commit']}",
            "facts": facts,
        }

    def _header(self, subject: str, predicate: str, value: str | None) -> dict[str, Any]:
        known = self._peps.get(subject, Pep())
        if predicate in Pep._fields:
            known = known._replace(**{predicate: value})
        self._peps[subject] = known
        return _fact(subject, predicate, value, "approved")


def _fact(subject: str, predicate: str, value: str | None, lifecycle: str | None) -> dict[str, Any]:
    fact = {"subject": subject, "predicate": predicate, "object": value}
    return fact if value is None else {**fact, "lifecycle": lifecycle}


def convert(lines: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The lines to import, as JSON."""
    converter = Converter()
    return (json.dumps(converter.convert(line), ensure_ascii=False) for line in lines)


def shipped() -> list[dict[str, Any]]:
    """The lines of the file that comes with the package."""
    data = resources.files("epql.cli").joinpath("data", "peps.jsonl.gz").read_bytes()
    return [json.loads(line) for line in gzip.decompress(data).decode().splitlines()]
