"""Keys of the shell beside prompt_toolkit's own: what Enter does, and a few people look for."""

from __future__ import annotations

from prompt_toolkit.application.current import get_app
from prompt_toolkit.buffer import Buffer, CompletionState
from prompt_toolkit.completion import CompleteEvent, get_common_complete_suffix
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import (
    Condition,
    completion_is_selected,
    has_completions,
    has_focus,
    is_searching,
)
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from epql.repl.loop import is_whole

_IN_TEXT = has_focus(DEFAULT_BUFFER) & ~is_searching


@Condition
def _is_whole() -> bool:
    """Whether what is typed can be carried out; nothing typed is, too."""
    text = get_app().current_buffer.text
    return not text.strip() or is_whole(text)


def _open_menu(buffer: Buffer) -> None:
    """Complete what can be only one thing, or what all have in common; else show what there is.

    Done at once: prompt_toolkit's own way is to ignore the key while it still looks for others.
    """
    document = buffer.document
    assert buffer.completer is not None
    asked = CompleteEvent(completion_requested=True)
    found = list(buffer.completer.get_completions(document, asked))
    if len(found) == 1:
        buffer.apply_completion(found[0])
    elif common := get_common_complete_suffix(document, found):
        buffer.insert_text(common)
    elif found:
        buffer.complete_state = CompletionState(document, found)


def bindings() -> KeyBindings:
    """Enter goes on with an incomplete statement and runs a whole one."""
    keys = KeyBindings()

    @keys.add("c-c")
    def _abandon(event: KeyPressEvent) -> None:
        future = event.app.future
        if future is not None and not future.done():  # else Enter came just before it
            event.app.exit(exception=KeyboardInterrupt, style="class:aborting")

    @keys.add("enter", filter=_IN_TEXT & completion_is_selected)
    def _take(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None  # the completion stays, the menu goes

    @keys.add("enter", filter=_IN_TEXT & ~completion_is_selected & _is_whole)
    def _run(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("enter", filter=_IN_TEXT & ~completion_is_selected & ~_is_whole)
    def _go_on(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @keys.add("escape", "enter", filter=_IN_TEXT)
    def _newline(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @keys.add("tab", filter=_IN_TEXT)
    @keys.add("c-space", filter=_IN_TEXT)
    def _complete(event: KeyPressEvent) -> None:
        if event.current_buffer.complete_state:
            event.current_buffer.complete_next()
        else:
            _open_menu(event.current_buffer)

    @keys.add("escape", eager=True, filter=_IN_TEXT & has_completions)
    def _close(event: KeyPressEvent) -> None:
        event.current_buffer.cancel_completion()

    return keys
