"""What is seen while a statement is typed: completions, and where it is certainly mistaken.

It hands prompt_toolkit what complete.py and epql.parse.ahead say; the words' colours are the
lexer's (epql.output.lexer). Runs in the main thread, between statements.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import to_formatted_text
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments

from epql.output.cells import cut, escape
from epql.parse.ahead.mistaken import mistaken
from epql.repl.complete import complete
from epql.repl.offer import Source
from epql.repl.session import is_command

_HARMLESS = "\n\t"
_META = 50
"""Columns of what a menu tells about a completion."""


class StatementCompleter(Completer):
    """Completions of statements and dot commands, by what there is."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """Those at the cursor, the likeliest first; while typing only where a word is begun."""
        cursor = document.cursor_position
        found = complete(document.text, cursor, self._source)
        for one in found:
            if complete_event.text_inserted and one.start == cursor:
                return  # nothing is typed of it: a menu would only be in the way
            yield Completion(
                one.text,
                start_position=one.start - cursor,
                display=one.display,
                display_meta=cut(one.meta or one.kind, _META),
            )


class MistakeProcessor(Processor):
    """Underlines the first syntax error that nothing to be typed can mend."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """The line, with the error's part of it marked."""
        given = transformation_input
        span = _mistaken(given.document.text)
        if span is None:
            return Transformation(given.fragments)
        start = given.document.translate_row_col_to_index(given.lineno, 0)
        fragments = explode_text_fragments(to_formatted_text(given.fragments))
        for place in range(max(span[0] - start, 0), min(span[1] - start, len(fragments))):
            style, text, *rest = fragments[place]
            fragments[place] = (f"{style} class:mistake", text, *rest)  # type: ignore[assignment]
        return Transformation(fragments)


class EscapeProcessor(Processor):
    """Shows what could steer the terminal as escapes: completions and pastes may hold it."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """The line, longer where a character is written out."""
        given = transformation_input.fragments
        text = "".join(fragment[1] for fragment in given)
        if escape(text, keep=_HARMLESS) == text:
            return Transformation(given)
        shown, starts, columns = [], [], 0
        for style, character, *rest in explode_text_fragments(to_formatted_text(given)):
            starts.append(columns)
            written = escape(character, keep=_HARMLESS)
            columns += len(written)
            shown.append((style, written, *rest))
        starts.append(columns)
        return Transformation(
            shown,  # type: ignore[arg-type]
            source_to_display=lambda place: starts[min(place, len(starts) - 1)],
            display_to_source=lambda place: max(bisect_right(starts, place) - 1, 0),
        )


@lru_cache(maxsize=16)
def _mistaken(text: str) -> tuple[int, int] | None:
    if is_command(text):
        return None
    error = mistaken(text)
    return None if error is None or error.span is None else (error.span.start, error.span.end)
