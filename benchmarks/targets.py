"""List the targets, for two cores. A figure has the name that its case gives it."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.pages import CONSOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    figure: str
    at_least: float | None = None
    at_most: float | None = None
    against: str | None = None
    """A ceiling; the bound is for Sluice's share of it."""

    @property
    def text(self) -> str:
        sign, bound = (">=", self.at_least) if self.at_least is not None else ("<=", self.at_most)
        return f"{sign} {bound:,g}" + (f" of {self.against}" if self.against else "")

    def is_met_by(self, measured: float) -> bool:
        return not (
            (self.at_least is not None and measured < self.at_least)
            or (self.at_most is not None and measured > self.at_most)
        )


TARGETS = {
    "templates": (
        Target(figure="renderings/s, a core", at_least=20_000),
        Target(figure="compilation, ms", at_most=10),
    ),
    "drain": (
        Target(figure="20,000, messages/s", at_least=25_000),
        Target(figure="100,000, messages/s", at_least=25_000),
        Target(figure="20,000, messages/s", at_least=0.4, against="bare client loop"),
        Target(figure="20,000, CPU from send_at on, µs/message", at_most=50),
    ),
    "webhook": (
        Target(figure="native, events/s", at_least=20_000),
        Target(figure="SendGrid's, events/s", at_least=20_000),
    ),
    "watched": (
        Target(figure="both, messages/s", at_least=0.45, against="bare client loop"),
        Target(figure="dead receiver to plain, times", at_least=0.98),
    ),
    "accept": (Target(figure="20,000, messages/s", at_least=30_000),),
    "accept-one": (Target(figure="requests/s", at_least=0.7, against="empty view with one commit"),),
    "lateness": (
        Target(figure="20,000, p50, ms", at_most=450),
        Target(figure="20,000, p99, ms", at_most=900),
    ),
    "slow-sink": (
        Target(figure="messages/s, a process", at_least=4_000),
        Target(figure="500, to the best peer, times", at_least=2),
    ),
    "workers": (
        Target(figure="2 to 1, times", at_least=1.8),
        Target(figure="4 to 1, times", at_least=3.4),
    ),
    "control": (
        Target(figure="pause of 1,000,000, p99, ms", at_most=100),
        Target(figure="cancel of 1,000,000, p99, ms", at_most=100),
        Target(figure="resume of 1,000,000, p99, ms", at_most=100),
        Target(figure="pause, 1,000,000 to 1,000, times", at_most=1.5),
        Target(figure="cancel, 1,000,000 to 1,000, times", at_most=1.5),
        Target(figure="resume, 1,000,000 to 1,000, times", at_most=1.5),
    ),
    "stop": (Target(figure="pause, p99, ms", at_most=1_000), Target(figure="resume, p99, ms", at_most=1_000)),
    "busy-web": (Target(figure="pause, p99, ms", at_most=500), Target(figure="resume, p99, ms", at_most=500)),
    "claim": (Target(figure="10,000,000 waiting to none, times", at_least=0.8),),
    "memory": (
        Target(figure="1,000,000, workers, bytes/message", at_most=10),
        Target(figure="1,000,000, Redis, bytes/message", at_most=1),
    ),
    "storage": (Target(figure="100,000 scheduled, bytes/message", at_most=300),),
    "campaign": (
        Target(figure="1,000,000, contacts/s", at_least=50_000),
        Target(figure="first message after, s", at_most=5),
        Target(figure="statistics, p99, ms", at_most=200),
        Target(figure="cancel in flight, ms", at_most=1_000),
        Target(figure="1,000,000, worker grew by, MB", at_most=10),
    ),
    "statistics": (
        Target(figure="total, p99, ms", at_most=200),
        Target(figure="by day, p99, ms", at_most=200),
        Target(figure="page, p99, ms", at_most=200),
    ),
    "console": (
        *(
            Target(figure=f"{page}, {beside}, p50, ms", at_most=150)
            for page in CONSOLE
            for beside in ("200,000 parcels", "10,000,000 waiting")
        ),
        Target(figure="a core, from the second to tab 50", at_most=0.1),
        Target(figure="drain, open to closed, times", at_least=0.95),
        Target(figure="accept, open to closed, times", at_least=0.95),
        Target(figure="pause, open to closed, times", at_most=1.05),
    ),
    "trickle": (Target(figure="beside 200,000, p99, ms", at_most=1_000),),
}
"""The targets by case."""
