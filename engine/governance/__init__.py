"""What agents do to what others asserted: the rules of each act, over an open Transaction.

    votes       VOTE, CONFIRM: said about an assertion without moving it

What follows from a correction, in a commit of its own, and what moves trust:

    trust         the formula, and the shares of a correction
    corrections   a correction, and who had a part in it before
    dependents    who is derived from whom
    readers       who read it carelessly, as the audit knows
    gardener      all of it put into effect, each correction once

Functions check, build records and append them; what a record means for the index is the fold's
business (engine/index/governance.py).
"""
