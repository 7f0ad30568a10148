"""The statements that are not SELECT: what each asks of the engine.

    work        what a verb has to work with: parameters, clock, transaction, notices
    targets     ids, slots, triples and queries to the assertions they name
    asserter    the options of ASSERT, its guards
    assert_     ASSERT
    assert_rows ASSERT SELECT
    inserts     INSERT INTO assertions
    moves       TRANSITION, PROMOTE, REJECT, RETRACT
    supersede   SUPERSEDE
    correct     CORRECT
    revive      REVIVE
    replaced    what is told of their replacements
    views       DEFINE QUERY, DROP QUERY
    declare     DEFINE PREDICATE, MARK EPOCH
    naming      DEFINE AGENT, DEFINE TOPIC
    policies    DEFINE POLICY
    votes       VOTE, CONFIRM
    returning   RETURNING: the assertions a verb touched, as rows

Each verb takes its statement and a Work, and returns an Answer.
"""
