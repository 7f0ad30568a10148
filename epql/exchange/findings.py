"""VERIFY: what is not as it should be, as rows; no row is a sound database."""

from __future__ import annotations

from typing import NamedTuple

from epql.engine.check import Verdict
from epql.engine.journal.segments import segment_name
from epql.engine.journal.verify import Finding
from epql.exchange.words import counted


class Found(NamedTuple):
    """One finding. `severity`: 'wrong', or 'harmless' where the next opening sees to it."""

    part: str
    code: str
    severity: str
    place: str | None
    finding: str


def findings(verdict: Verdict) -> list[Found]:
    """What was found, the worst first."""
    found = [_of_journal("journal", one) for one in verdict.journal.findings]
    for fault in verdict.faults:
        part = fault.code.partition(".")[0]
        found.append(Found(part, fault.code, _severity(fault.is_harmless), None, fault.sentence))
    for chain, one in verdict.audit.findings:
        found.append(_of_journal(f"audit/{chain}", one))
    return sorted(found, key=lambda one: one.severity != "wrong")


def _of_journal(part: str, one: Finding) -> Found:
    place = f"{segment_name(one.segment)}:{one.offset}" if one.segment else None
    return Found(part, one.code, _severity(one.is_harmless), place, one.sentence)


def _severity(is_harmless: bool) -> str:
    return "harmless" if is_harmless else "wrong"


def sentence(verdict: Verdict) -> str:
    """What was looked at, and what comes of it."""
    journal = verdict.journal
    seen = f"{counted(journal.frames, 'commit')}, {counted(journal.records, 'record')}"
    if verdict.tables:
        seen += f", {counted(sum(verdict.tables.values()), 'row')} of the index"
    return f"{'sound' if verdict.is_sound else 'not sound'}: {seen}"
