"""An agent that does not repeat what was found wrong: recall, check, act, write down why.

No language model is needed: `scripted_model` stands where yours is asked. Two others take part, a
person who decides and one who corrects, so that everything an agent meets is met here.

    python examples/agent.py [DATABASE]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import epql


@dataclass(frozen=True)
class Task:
    """One thing to settle, such as which library a client uses."""

    goal: str
    subject: str
    predicate: str

    @property
    def name(self) -> str:
        return f"task/{self.goal.replace(' ', '-')}"


@dataclass(frozen=True)
class Known:
    """What the database answers: a value, and the id that a later assertion rests on."""

    id: str
    object: str | int | float


Model = Callable[[Task, list[str]], tuple[str, float]]
"""Asked for a value and how sure it is; sees the task and the advice gathered so far."""

ATTEMPTS = 3


class Agent:
    """The loop. What it may rely on, may not say, and why it said it are in the database."""

    def __init__(self, path: str, name: str, model: Model) -> None:
        self.name, self.model = name, model
        self.con = epql.connect(path, agent=name, autocommit=True)

    def do(self, task: Task) -> str:
        """Settle a task: by what is approved, else by a proposal that somebody has to approve."""
        known = self.recall(task)
        if known:
            self.act(task, known)
            return f"{task.goal}: done with {known.object}"
        advice: list[str] = []
        for _ in range(ATTEMPTS):
            value, confidence = self.model(task, advice)
            refused = self.refusal(task, value) or self.propose(task, value, confidence, advice)
            if refused is None:
                return f"{task.goal}: proposed {value}, waits for approval"
            advice.append(refused)
        return f"{task.goal}: gave up; {advice[-1]}"

    def recall(self, task: Task) -> Known | None:
        """What is approved. A proposal, however recent, is no ground to act on."""
        cursor = self.con.execute(
            "SELECT id, object FROM beliefs WHERE subject = ? AND predicate = ?"
            " LIFECYCLE APPROVED PURPOSE ?",
            (task.subject, task.predicate, task.goal),
        )
        row = cursor.fetchone()
        for notice in cursor.notices:  # what the answer says about itself; never throw it away
            print(f"  notice: {notice}")
        return Known(*row) if row else None

    def refusal(self, task: Task, value: str) -> str | None:
        """Why a value must not be used, by the rules that corrections left; None if it may."""
        for hit in self.con.check(task.subject, task.predicate, value):
            if hit.verdict == "DENY":
                return f"{value} is forbidden by {hit.agent}, {hit.reason}: use {hit.prefer}"
        return None

    def propose(self, task: Task, value: str, confidence: float, advice: list[str]) -> str | None:
        """Say it as a proposal. A rule made since the check refuses it all the same."""
        try:
            self.con.assert_(
                task.subject,
                task.predicate,
                value,
                confidence=confidence,
                source=task.name,
                reason="; ".join(advice) or None,
            )
        except epql.IntegrityError as error:
            return f"{error.message}: {error.hint}"
        return None

    def act(self, task: Task, known: Known) -> None:
        """Do the work, and write down what was done and what it rests on."""
        self.con.assert_(task.name, "uses", known.object, because=[known.id])

    def wake(self) -> list[str]:
        """Before anything else: what of my own work lost its ground while I was away?"""
        lost = self.con.execute(
            "SELECT id, subject, object, flagged FROM assertions"
            " WHERE agent = ? AND flagged IS NOT NULL PURPOSE 'wake up'",
            (self.name,),
        ).fetchall()
        for one, _, _, why in lost:
            self.con.execute("RETRACT ? REASON ?", (one, why))
        return [f"{subject}: no longer {value}, {why}" for _, subject, value, why in lost]

    def close(self) -> None:
        self.con.close()


# ---------------------------------------------------------------- a scripted world


def scripted_model(task: Task, advice: list[str]) -> tuple[str, float]:
    """Stands for a language model: it has habits, and it takes advice."""
    for line in advice:
        if ": use " in line:
            return line.rpartition(": use ")[2], 0.9
    return {"library": "requests", "store": "redis", "algorithm": "ES256"}[task.predicate], 0.7


TOKENS = Task("sign tokens", "auth/jwt", "algorithm")
CLIENT = Task("call the billing service", "http/client", "library")
CACHE = Task("cache sessions", "auth/session", "store")


def main(path: str = ":memory:") -> None:
    """Three days of one agent and the people around it. In memory all share one connection."""
    agent = Agent(path, "coder", scripted_model)
    people = agent.con if path == ":memory:" else epql.connect(path, autocommit=True)

    def person(name: str, text: str) -> None:
        before = people.agent
        people.execute("SET AGENT ?", (name,))
        people.execute(text)
        people.execute("SET AGENT ?", (before,))
        print(f"{name}: {text}")

    person("ana", "ASSERT ('auth/jwt', 'algorithm', 'HS256') LIFECYCLE APPROVED SOURCE 'adr:12'")
    person("lee", "FORBID ('http/*', 'library', 'requests') PREFER 'httpx' REASON 'house standard'")
    for task in (TOKENS, CLIENT, CACHE):
        print("coder:", agent.do(task))

    person("ana", "PROMOTE ('auth/session', 'store') REASON 'we run redis already'")
    person("ana", "CORRECT ('auth/jwt', 'algorithm') TO 'RS256' FORBID REASON 'no shared keys'")
    for line in agent.wake():
        print("coder:", line)
    for task in (TOKENS, CACHE):
        print("coder:", agent.do(task))
    agent.close()
    if people is not agent.con:
        people.close()


if __name__ == "__main__":
    main(*sys.argv[1:2])
