"""N-Quads: triples of RDF, one a line, each in a graph; N-Triples are read, too.

    <urn:epql:name:auth/jwt> <urn:epql:name:algorithm> "RS256" <urn:epql:a:1f3c…> .
    <urn:epql:a:1f3c…> <urn:epql:is:agent> "ann" .
    <urn:epql:a:1f3c…> <urn:epql:is:confidence> "0.9"^^<http://www.w3.org/2001/XMLSchema#double> .

An assertion is one triple in a graph of its own, which its id names; what else is said of it are
triples about that graph, right behind it. A name that is an IRI stays one; any other becomes
`urn:epql:name:` and its characters in percent form. Other graphs are taken as the source.
Source: docs/formats/nquads.md, docs/decisions/0026-rdf.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any
from urllib.parse import quote, unquote

from epql.engine.errors import DataError, Error
from epql.exchange.files import BOM, Source, check_encoding, decoded
from epql.exchange.formats import Reading, Row, Table, missing

try:
    import pyoxigraph as rdf
except ImportError as absent:
    raise missing("pyoxigraph", "rdf", absent) from absent

NAMES = "urn:epql:name:"
ASSERTIONS = "urn:epql:a:"
ABOUT = "urn:epql:is:"
QUALIFIER = "urn:epql:qualifier:"
TRIPLE = ("subject", "predicate", "object")
_XSD = "http://www.w3.org/2001/XMLSchema#"
_INTEGER, _DOUBLE, _STRING = (rdf.NamedNode(_XSD + n) for n in ("integer", "double", "string"))
_WHOLE = {
    _XSD + name
    for name in (
        "integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger",
        "negativeInteger", "nonPositiveInteger", "unsignedInt", "unsignedLong", "unsignedShort",
        "unsignedByte",
    )
}  # fmt: skip
_REAL = {_XSD + name for name in ("double", "float", "decimal")}
_BOOLEAN = _XSD + "boolean"
_NO_GRAPH = rdf.DefaultGraph()
_PARTS = ("agent", "confidence", "source", "lifecycle", "valid_from", "valid_to", "key")


# ---------------------------------------------------------------- writing


def write(file: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write the assertions of a query that has the columns subject, predicate and object.

    Raises: DataError `export.columns` without them.
    """
    names = [name.lower() for name in columns]
    for name in TRIPLE:
        if name not in names:
            raise DataError(
                f"the query has no column {name!r}, which N-Quads need",
                code="export.columns",
                hint="EXPORT (SELECT * FROM assertions) TO 'file.nq'",
            )
    count = 0
    for count, row in enumerate(rows, start=1):
        said = dict(zip(names, row, strict=True))
        rdf.serialize(_quads(said, count), file, format=rdf.RdfFormat.N_QUADS)
    return count


def _quads(said: Row, number: int) -> list[Any]:
    """What one row says."""
    qualifiers = json.loads(said.get("qualifiers") or "{}")
    about = [(ABOUT + part, _literal(said[part])) for part in _PARTS if said.get(part) is not None]
    about += [(ABOUT + "parent", iri(one)) for one in json.loads(said.get("parents") or "[]")]
    about += [
        (QUALIFIER + _percent(name), _literal(value))
        for name, value in qualifiers.items()
        if name not in ("lang", "datatype")
    ]
    graph: Any = _named_graph(said, number) if about else _NO_GRAPH
    main = rdf.Quad(
        iri(said["subject"]), iri(said["predicate"]), _object(said["object"], qualifiers), graph
    )
    return [main, *(rdf.Quad(graph, rdf.NamedNode(name), value) for name, value in about)]


def _named_graph(said: Row, number: int) -> Any:
    found = said.get("id")
    return rdf.BlankNode(f"r{number}") if found is None else iri(found)


def iri(name: Any) -> Any:
    """The IRI of a name; the other way: `name_of`.

    >>> iri("auth/jwt").value, iri("http://example.org/a").value, iri("two words").value
    ('urn:epql:name:auth/jwt', 'http://example.org/a', 'urn:epql:name:two%20words')
    """
    if not isinstance(name, str):
        raise DataError(f"{name!r} is no name", code="export.columns")
    if name.startswith("a:") and len(name) == 66:
        return rdf.NamedNode(ASSERTIONS + name[2:])
    if ":" in name and not name.startswith("urn:epql:"):
        try:
            return rdf.NamedNode(name)
        except ValueError:
            pass  # it only looks like one
    return rdf.NamedNode(NAMES + _percent(name))


def _percent(name: str) -> str:
    return quote(name, safe="/-._~:@!$&'()*+,;=")


def _object(value: Any, qualifiers: dict[str, Any]) -> Any:
    if isinstance(value, str):
        if "lang" in qualifiers:
            return rdf.Literal(value, language=str(qualifiers["lang"]))
        if "datatype" in qualifiers:
            return rdf.Literal(value, datatype=rdf.NamedNode(str(qualifiers["datatype"])))
    return _literal(value)


def _literal(value: Any) -> Any:
    if isinstance(value, int):
        return rdf.Literal(str(value), datatype=_INTEGER)
    if isinstance(value, float):
        return rdf.Literal(repr(value), datatype=_DOUBLE)
    return rdf.Literal(str(value))


# ---------------------------------------------------------------- reading


def read(source: Source, reading: Reading) -> Table:
    """The assertions of a file; provenance is read where it stands right behind its triple."""
    return Table(None, _joined(source))


def _joined(source: Source) -> Iterator[tuple[int, Row | Error]]:
    """Each triple with what the lines behind it say about its graph."""
    held: tuple[int, Row, Any] | None = None
    for number, line in _lines(source):
        if isinstance(line, Error):
            yield number, line
            continue
        about = _about(line)
        try:
            if about is None:
                row = _row(line)
                if held is not None:
                    yield held[:2]
                held = number, row, line.graph_name
            elif held is not None and held[2] == line.subject:
                _add(held[1], *about)
            else:
                raise _bad("what this line says about a graph must follow the graph's triple")
        except DataError as error:
            yield number, error
    if held is not None:
        yield held[:2]


def _lines(source: Source) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(source.lines(), start=1):
        if number == 1:
            check_encoding(line)
            line = line.removeprefix(BOM)
        try:
            decoded(line)
            for quad in rdf.parse(line, format=rdf.RdfFormat.N_QUADS):
                yield number, quad
        except DataError as error:
            yield number, error
        except (SyntaxError, ValueError) as error:
            text = getattr(error, "msg", None) or str(error)
            yield number, _bad(f"this is no N-Quad ({text})")


def _about(quad: Any) -> tuple[str, Any] | None:
    """What a line says about a graph; None for a line that says something of the world."""
    predicate = quad.predicate.value
    if quad.graph_name != _NO_GRAPH or not predicate.startswith((ABOUT, QUALIFIER)):
        return None
    return predicate, quad.object


def _row(quad: Any) -> Row:
    value, qualifiers = _value(quad.object)
    row: Row = {
        "subject": name_of(quad.subject),
        "predicate": name_of(quad.predicate),
        "object": value,
    }
    graph = quad.graph_name
    if isinstance(graph, rdf.NamedNode) and not graph.value.startswith(ASSERTIONS):
        row["source"] = graph.value
    if qualifiers:
        row["qualifiers"] = qualifiers
    return row


def _add(row: Row, name: str, value: Any) -> None:
    found = _value(value)[0]
    if name.startswith(QUALIFIER):
        row.setdefault("qualifiers", {})[unquote(name.removeprefix(QUALIFIER))] = found
        return
    part = name.removeprefix(ABOUT)
    if part == "parent":
        row.setdefault("parents", []).append(found)
    elif part in _PARTS:
        row[part] = found
    else:
        raise _bad(f"nothing is known of {name}")


def name_of(node: Any) -> str:
    """The name that an IRI stands for; a blank node keeps its label."""
    if isinstance(node, rdf.BlankNode):
        return f"_:{node.value}"
    if not isinstance(node, rdf.NamedNode):
        raise _bad("a triple about a triple cannot be read")
    text: str = node.value
    if text.startswith(NAMES):
        return unquote(text.removeprefix(NAMES))
    if text.startswith(ASSERTIONS):
        return "a:" + text.removeprefix(ASSERTIONS)
    return text


def _value(node: Any) -> tuple[str | int | float, dict[str, Any]]:
    """An object, and the qualifiers that keep what its text alone does not say."""
    if not isinstance(node, rdf.Literal):
        return name_of(node), {}
    text, kind = node.value, node.datatype
    try:
        if kind.value in _WHOLE:
            return int(text), {}
        if kind.value in _REAL:
            return float(text), {}
    except ValueError as error:
        raise _bad(f"{text!r} is no {kind.value.removeprefix(_XSD)}") from error
    if kind.value == _BOOLEAN and text in ("true", "false", "1", "0"):
        return int(text in ("true", "1")), {}
    if node.language is not None:
        return text, {"lang": node.language}
    return text, {} if kind == _STRING else {"datatype": kind.value}


def _bad(message: str) -> DataError:
    return DataError(
        message, code="import.row", hint="""a line: <urn:a> <urn:b> "text" <urn:graph> ."""
    )
