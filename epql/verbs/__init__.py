"""The statements that are not SELECT: what each asks of the engine.

    work        what a verb has to work with: parameters, clock, transaction, notices
    targets     ids, slots, triples and queries to the assertions they name
    assert_     ASSERT
    moves       TRANSITION, PROMOTE, REJECT, RETRACT
    supersede   SUPERSEDE
    declare     DEFINE PREDICATE, MARK EPOCH
    returning   RETURNING: the assertions a verb touched, as rows

Each verb takes its statement and a Work, and returns an Answer.
"""
