"""Looking at all chains of the audit: `epql verify`'s reading. It changes nothing.

The frames of each chain are judged as the journal's are (engine/journal/verify.py); each record
must be one this program knows, in the one byte form of its content, so that a question's id is
that of what was asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from epql.engine.audit.chains import DiskChains, is_begun
from epql.engine.audit.record import decode, encode
from epql.engine.errors import InternalError
from epql.engine.files import Files
from epql.engine.journal.format import Malformed
from epql.engine.journal.reader import read_frames
from epql.engine.journal.verify import Finding, verify


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was seen. `findings`: (chain, finding), with the codes of the journal's findings and
    audit.record; `questions` counts records of kind Q."""

    findings: tuple[tuple[str, Finding], ...]
    chains: int
    questions: int
    bytes_read: int

    @property
    def is_sound(self) -> bool:
        """Whether all is as it was written, torn tails apart."""
        return all(finding.is_harmless for _, finding in self.findings)


def inspect(root: Path) -> AuditReport:
    """Read all chains of the database in a folder. Raises: OperationalError."""
    chains = DiskChains(root)
    findings: list[tuple[str, Finding]] = []
    count = questions = size = 0
    for name in chains.names():
        files = chains.files(name)
        if not is_begun(files):
            continue
        report = verify(files)
        count, size = count + 1, size + report.bytes_read
        findings += ((name, finding) for finding in report.findings)
        for code in _records(files):
            if isinstance(code, Finding):
                findings.append((name, code))
            else:
                questions += 1
    return AuditReport(tuple(findings), count, questions, size)


def _records(files: Files) -> Iterator[Finding | str]:
    """'Q' for each question, and what is wrong with single records."""
    try:
        for frame in read_frames(files):
            for kind, _, payload, place in frame.records():
                sentence = _fault(kind, bytes(payload))
                if sentence is not None:
                    yield Finding("audit.record", frame.segment, frame.offset + place, sentence)
                elif kind == "Q":
                    yield kind
    except (InternalError, Malformed):
        return  # damage of frames is told by verify()


def _fault(kind: str, payload: bytes) -> str | None:
    """What is wrong with one record; None if nothing is."""
    try:
        record = decode(kind, payload)
    except KeyError:
        return f"a record of kind {kind!r}, which this program does not know"
    except (msgspec.DecodeError, RecursionError) as error:
        return f"a record of kind {kind} is not readable ({error})"
    if encode(record) != payload:
        return f"a record of kind {kind} has not the byte form of its content"
    return None
