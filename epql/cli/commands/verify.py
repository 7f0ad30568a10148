"""`epql verify PATH`: says in sentences whether a database is sound, and what to do if not.

Exit codes: 0 sound, 1 something is wrong, 2 cannot tell. It changes nothing.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from epql.cli.arguments import add_json, add_path
from epql.cli.opening import check_path, pointing_out
from epql.cli.screens import screen_of
from epql.engine.audit.inspect import AuditReport
from epql.engine.check import Verdict, check
from epql.engine.errors import Error
from epql.engine.head import SOURCE, Head, read_heads
from epql.engine.journal.verify import (
    GROWN,
    OTHER,
    REWRITTEN,
    SAME,
    UNSEEN,
    Expectation,
    Finding,
    Report,
)
from epql.output.progress import progress_bar
from epql.output.screen import Screen, plural
from epql.output.sizes import size

SOUND, WRONG, UNKNOWN = 0, 1, 2
_SHOWN = 20
_UNKNOWN = "cannot tell whether it is sound"

EXAMPLES = (
    ("epql verify kb.epql && cp -r kb.epql copy.epql", "a copy of what is sound"),
    ("epql verify kb.epql --head heads.txt", "against heads kept elsewhere (epql head)"),
    ("epql verify kb.epql --json", "for a health check"),
)
EXIT_CODES = "0 sound, 1 something is wrong, 2 cannot tell (missing, unreadable, locked)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    parser.add_argument(
        "--head", metavar="HEAD", action="append", default=[],
        help="TX:DIGEST as epql head printed it, a file of such lines, or a backup",
    )  # fmt: skip
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Verify, and say what was found."""
    screen = screen_of(arguments)
    try:
        check_path(arguments.path)
        heads = [head for given in arguments.head for head in read_heads(given)]
        with pointing_out(arguments.path), progress_bar("folding the journal") as tell:
            verdict = check(Path(arguments.path), tell, heads=heads)
    except (Error, OSError) as error:
        if isinstance(error, Error):
            screen.complain(error)
        else:
            screen.error(f"cannot be read: {error.strerror or error}")
        screen.say('{"verdict": "unknown"}' if arguments.json else _UNKNOWN)
        return UNKNOWN
    if arguments.json:
        screen.say(json.dumps(_report(verdict, arguments.path), indent=1))
    else:
        _tell(screen, verdict, arguments.path)
    return SOUND if verdict.is_sound else WRONG


def _tell(screen: Screen, verdict: Verdict, path: str) -> None:
    for line in _lines(verdict):
        screen.say(line)
    for text in _problems(verdict)[:_SHOWN]:
        screen.error(text)
    for text in _harmless(verdict)[:_SHOWN]:
        screen.note(text)
    for text in _advice(verdict, path):
        screen.say(text)
    screen.say(screen.bold("sound" if verdict.is_sound else "not sound"))


def _report(verdict: Verdict, path: str) -> dict[str, Any]:
    """The same for programs, with all problems."""
    journal, audit = verdict.journal, verdict.audit
    return {
        "verdict": "sound" if verdict.is_sound else "not sound",
        "journal": {
            "segments": journal.segments, "commits": journal.frames, "records": journal.records,
            "bytes": journal.bytes_read,
        },
        "index": {"tx": verdict.index_tx, "rows": sum(verdict.tables.values())},
        "audit": {
            "chains": audit.chains, "reads": audit.questions, "bytes": audit.bytes_read,
        },
        "head": str(_head(journal)),
        "heads": [
            {"head": str(Head(kept.tx, kept.digest or b"", kept.database)), "stand": stand}
            for kept, stand in _kept(verdict)
        ],
        "problems": _problems(verdict),
        "notes": _harmless(verdict),
        "advice": " ".join(_advice(verdict, path)) or None,
    }  # fmt: skip


def _lines(verdict: Verdict) -> list[str]:
    """What holds, part by part."""
    return [
        f"journal  {_journal(verdict.journal)}",
        f"records  {_records(verdict)}",
        f"index    {_index(verdict)}",
        *([f"audit    {_audit(verdict.audit)}"] if verdict.audit.chains else []),
        *([f"head     {_heads(verdict)}"] if _kept(verdict) else []),
    ]


def _journal(report: Report) -> str:
    seen = (
        f"{plural(report.segments, 'segment')}, {plural(report.frames, 'commit')},"
        f" {size(report.bytes_read)}"
    )
    return f"{seen}: " + ("the chain holds" if report.is_sound else "not as it was written")


def _records(verdict: Verdict) -> str:
    bad = sum(fault.code == "record.form" for fault in verdict.faults)
    seen = plural(verdict.journal.records, "record")
    said = f"{bad:,} not of their address" if bad else "each is what its address says"
    return f"{seen}: {said}"


def _index(verdict: Verdict) -> str:
    if verdict.index_tx is None:
        return "none that can be read"
    seen = f"at tx {verdict.index_tx:,}"
    wrong = [f for f in verdict.faults if f.code.startswith("index") and not f.is_harmless]
    if wrong:
        return f"{seen}: not what the journal says"
    if not verdict.tables:
        return f"{seen}: not compared, because the journal is damaged"
    rows = sum(verdict.tables.values())
    return (
        f"{seen}, {plural(len(verdict.tables), 'table')}, {plural(rows, 'row')}:"
        " the same as a fresh fold of the journal"
    )


def _audit(report: AuditReport) -> str:
    seen = (
        f"{plural(report.chains, 'chain')}, {plural(report.questions, 'read')},"
        f" {size(report.bytes_read)}"
    )
    return f"{seen}: " + ("each chain holds" if report.is_sound else "not as it was written")


def _head(journal: Report) -> Head:
    return Head(journal.last_tx, journal.last_digest, journal.database_id or None)


def _kept(verdict: Verdict) -> list[tuple[Expectation, str]]:
    """The heads that were kept elsewhere, and how each stands."""
    return [(kept, stand) for kept, stand in verdict.journal.stands if kept.source == SOURCE]


_STANDS = {
    "same": "tx {tx:,} is the last commit",
    "grown": "tx {tx:,} is in the chain, and {later} since",
    "cut": "tx {tx:,} is gone: the journal ends at tx {last:,}",
    "rewritten": "tx {tx:,} is another commit than it was: history was rewritten",
    "other": "tx {tx:,} is of another database",
    "unseen": "whether tx {tx:,} is as it was cannot be told, because the journal is damaged",
}


def _heads(verdict: Verdict) -> str:
    """How the heads stand; of several the first that is not in the chain, or the last."""
    kept = _kept(verdict)
    head, stand = next((one for one in kept if one[1] not in (SAME, GROWN)), kept[-1])
    last = verdict.journal.last_tx
    said = _STANDS[stand].format(tx=head.tx, last=last, later=plural(last - head.tx, "commit"))
    return said if len(kept) == 1 else f"{plural(len(kept), 'head')}: {said}"


def _problems(verdict: Verdict) -> list[str]:
    found = [
        f"{f.code}: {_at(f)}{f.sentence}" for f in verdict.journal.findings if not f.is_harmless
    ]
    found += [f"{f.code}: {f.sentence}" for f in verdict.faults if not f.is_harmless]
    return found + [
        f"{f.code}: the audit's chain {name}: {_at(f)}{f.sentence}"
        for name, f in verdict.audit.findings
        if not f.is_harmless
    ]


def _harmless(verdict: Verdict) -> list[str]:
    found = [
        f"{f.sentence}; the next opening for writing puts it in order"
        for f in verdict.journal.findings
        if f.is_harmless
    ]
    found += [f.sentence for f in verdict.faults if f.is_harmless]
    return found + [
        f"the audit's chain {name}: {f.sentence}; it is left out"
        for name, f in verdict.audit.findings
        if f.is_harmless
    ]


def _advice_of_heads(stands: set[str]) -> list[str]:
    if OTHER in stands:
        return [
            "The head was kept of another database: look for its folder, or for who put this one in"
            " its place.",
        ]
    if REWRITTEN in stands:
        what = "What this database held was rewritten after the head was kept."
    else:
        what = "Commits are gone that were there when the head was kept; an older copy looks so."
    return [
        f"{what} Do not write to it, and keep its folder",
        "to find out who did it. Restore a backup in which the head is: epql verify BACKUP --head.",
    ]


def _at(finding: Finding) -> str:
    """Where, unless the sentence says so itself."""
    if not finding.segment or "byte " in finding.sentence:
        return ""
    return f"segment {finding.segment}, byte {finding.offset}: "


def _advice(verdict: Verdict, path: str) -> list[str]:
    """What to do now."""
    codes = {f.code for f in verdict.journal.findings if not f.is_harmless}
    if any(stand not in (SAME, GROWN, UNSEEN) for _, stand in _kept(verdict)):
        return _advice_of_heads({stand for _, stand in _kept(verdict)})
    if codes == {"journal.cut"}:
        return [
            "The journal itself is whole, but commits at its end are gone that the index knows."
            " Restore the folder",
            f"from a copy. If they were written with durability 'os', epql rebuild {path} makes an"
            " index of what is left.",
        ]
    if codes:
        return [
            "Do not write to this database. Restore its folder from a copy; a copy of the damaged"
            " files helps to find the cause.",
        ]
    if any(fault.code == "record.form" for fault in verdict.faults):
        return ["Records are not as this program writes them: ask whoever wrote this journal."]
    if any(not fault.is_harmless for fault in verdict.faults):
        return [f"The journal is whole; epql rebuild {path} makes a new index from it."]
    if not verdict.audit.is_sound:
        return [
            "The knowledge is whole; of the record of reads a part is not. It is kept apart in the"
            " folder audit.",
        ]
    return []
