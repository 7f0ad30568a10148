"""What agents do to what others asserted: the rules of each act, over an open Transaction.

    votes         VOTE, CONFIRM: said about an assertion without moving it
    replacements  SUPERSEDE: the world changed
    correcting    CORRECT: we were wrong
    revivals      REVIVE: back to proposed
    flags         RETRACT of a ground: what was derived from it is flagged
    four_eyes     the policy: who asserted may not approve
    patterns      texts as patterns of themselves
    forbidding    FORBID, REPEAL, and the check of what is asserted against the rules
    rules         which rules an assertion meets, and what is said about it
    conditions    WHEN of a rule: a condition on the asserted row
    words         what sentences say of texts that may be long

What follows from a correction, in a commit of its own, and what moves trust:

    trust         the formula, and the shares of a correction
    corrections   a correction, and who had a part in it before
    dependents    who is derived from whom
    readers       who read it carelessly, as the audit knows
    gardener      all of it put into effect, each correction once

Functions check, build records and append them; what a record means for the index is the fold's
business (engine/index/governance.py).
"""
