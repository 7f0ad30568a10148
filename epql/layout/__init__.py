"""A text laid out anew: white space and the case of keywords, nothing else. In order:

    script       the public function: a script into statements, comments between them
    tree         the parser's tables run once more; each rule makes a document of its parts
    comments     which word a comment belongs to
    layouts      how each rule is laid out
    joining      spaces, commas and brackets between the parts of a rule
    document     where lines may break, and the printer that decides where they do

Stands on epql.parse; opens nothing and knows no catalog.
"""

from epql.layout.script import format  # noqa: A004

__all__ = ["format"]
