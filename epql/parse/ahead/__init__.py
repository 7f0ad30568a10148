"""What may come next in a statement that is being written. In order of control flow:

    ahead       the public function: a text and a cursor to what may stand there
    cursor      the statement at the cursor, and the word being typed
    following   the keywords that the parsing tables would take
    stack       what stands on the parser's stack, read off
    meaning     what a name or a text would mean there
    around      the tables that the place sees
    mistaken    a syntax error that nothing to be typed can mend

What it is not: the completions themselves (epql.repl), which need to know what there is.
"""

from epql.parse.ahead.ahead import Ahead, ahead
from epql.parse.ahead.around import Table
from epql.parse.ahead.mistaken import mistaken
from epql.parse.ahead.stack import Slot

__all__ = ["Ahead", "Slot", "Table", "ahead", "mistaken"]
