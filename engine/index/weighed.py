"""RESOLVE BY CREDENCE and CONSENSUS: candidates compared by what they are worth.

Freshness counts from the newest evidence among what is compared, never from the clock: as all of
a slot share a half-life, time alone changes no winner, and nothing fades to nothing. What is
compared are whole numbers of 10⁻¹² (`_units`), so sums in another order decide nothing.
The rule in words, to the digit: docs/language/resolving.md.

    candidate   the candidates, with the worth of each (freshness apart) and its last evidence
    ballot      the latest vote of each agent on each object of a slot
    said        what each voice says for and against an object, from both
    score       the sum over the voices of an object
"""

from __future__ import annotations

from epql.engine.index.credence import Weighing, recorded_at

_COLUMNS = "x.slot,x.state,x.seq,x.from_tx,x.valid_from,x.to_tx,x.valid_to,x.assertion"
_OBJECT = "slot,kind,object"
_VOTES_BEFORE = "v.id<((:t+1)<<20)"


def by_credence(weighs: Weighing, candidates: str, *, by_object: bool) -> str:
    """A table of candidates in order of their `place` in the slot, or for each of its objects.

    `candidates`: FROM and WHERE with the aliases s, x (span) and o (assertion).
    """
    group = _OBJECT if by_object else "slot"
    return (
        f"(WITH candidate AS ({_candidate(weighs, candidates)})"
        " SELECT *, row_number() OVER"
        f" (PARTITION BY {group} ORDER BY rank DESC, seq DESC, valid_from DESC) AS place"
        f" FROM (SELECT *, {_rank(weighs, group)} AS rank FROM candidate))"
    )


def by_consensus(weighs: Weighing, candidates: str) -> str:
    """The same, the object with the highest score first."""
    return (
        f"(WITH candidate AS MATERIALIZED ({_candidate(weighs, candidates)}),"
        f" ballot AS MATERIALIZED ({_ballot(weighs)}),"
        f"{_NEWEST if weighs.half_lives else ''} said AS ({_said(weighs)}),"
        f" score AS ({_score(weighs)})"
        " SELECT *, row_number() OVER (PARTITION BY slot"
        " ORDER BY score DESC, last DESC, rank DESC, seq DESC, valid_from DESC) AS place"
        f" FROM (SELECT c.*, score, {_rank(weighs, _OBJECT)} AS rank,"
        f" max(seq) OVER (PARTITION BY {_OBJECT}) AS last"
        f" FROM candidate c JOIN score USING ({_OBJECT})))"
    )


# ---------------------------------------------------------------- parts


def _candidate(weighs: Weighing, candidates: str) -> str:
    columns = [
        _COLUMNS,
        "o.object AS object",
        "typeof(o.object) AS kind",
        f"{_voice(weighs, 'o.agent')} AS voice",
        f"o.confidence*{weighs.trust('o.agent', weighs.topic)} AS worth",
        f"{weighs.topic} AS topic",
    ]
    if weighs.half_lives:
        columns.append(f"{weighs.evidence('x.seq', 'x.assertion')} AS at")
        columns.append(f"{weighs.half_life()} AS half_life")
    return f"SELECT {', '.join(columns)} {candidates}"


def _voice(weighs: Weighing, agent: str) -> str:
    """Whose voice an agent's is: its own, or 0, that of all newcomers."""
    if not weighs.is_pooled:
        return agent
    known = "SELECT g.id FROM agent g WHERE g.name IN (SELECT value FROM json_each(:known_agents))"
    return f"iif({agent} IN ({known}),{agent},0)"


def _weighted(weighs: Weighing, worth: str) -> str:
    return f"{worth}*iif(voice=0,:newcomer_weight,1.0)" if weighs.is_pooled else worth


def _rank(weighs: Weighing, group: str) -> str:
    """The weighted credence of a candidate beside the others of its group."""
    worth = "worth"
    if weighs.half_lives:
        newest = f"(max(at) OVER (PARTITION BY {group}))"
        worth += "*" + weighs.freshness(newest, "at", "half_life")
    return _units(_weighted(weighs, worth))


def _units(value: str) -> str:
    return f"CAST(floor(1e12*({value})+0.5) AS INTEGER)"


def _ballot(weighs: Weighing) -> str:
    columns = [
        "c.slot AS slot",
        "c.kind AS kind",
        "c.object AS object",
        f"{_voice(weighs, 'v.agent')} AS voice",
        "v.is_for AS is_for",
        f"v.weight*{weighs.trust('v.agent', 'c.topic')} AS worth",
    ]
    if weighs.half_lives:
        columns += [f"{recorded_at('v.id')} AS at", "c.half_life AS half_life"]
    latest = "row_number() OVER (PARTITION BY c.slot,c.kind,c.object,v.agent ORDER BY v.id DESC)"
    return (
        f"SELECT * FROM (SELECT {', '.join(columns)}, {latest} AS nth FROM candidate c"
        f" CROSS JOIN vote v ON v.assertion=c.assertion AND {_VOTES_BEFORE}) WHERE nth=1"
    )


_NEWEST = (
    " newest AS (SELECT slot, max(at) AS newest FROM (SELECT slot, at FROM candidate"
    " UNION ALL SELECT slot, at FROM ballot) GROUP BY slot),"
)


def _said(weighs: Weighing) -> str:
    """Per voice what it says for an object (`pro`) and against it (`con`)."""
    worth, more = "worth", ""
    if weighs.half_lives:
        worth += "*" + weighs.freshness("newest", "at", "half_life")
        more = " JOIN newest USING (slot)"
    return (
        f"SELECT {_OBJECT}, voice, {worth} AS pro, 0.0 AS con FROM candidate{more}"
        f" UNION ALL SELECT {_OBJECT}, voice, iif(is_for,{worth},0.0), iif(is_for,0.0,{worth})"
        f" FROM ballot{more}"
    )


def _score(weighs: Weighing) -> str:
    voice = _units(_weighted(weighs, "(max(pro)-max(con))"))
    return (
        f"SELECT {_OBJECT}, sum(units) AS score FROM (SELECT {_OBJECT}, {voice} AS units"
        f" FROM said GROUP BY {_OBJECT}, voice) GROUP BY {_OBJECT}"
    )
