"""Measure waves with an active webhook, with tracked clicks, with both, and with a dead receiver (case `watched`).

All kinds of waves are played in turns by one stack, so that each round has a ratio of each kind to the plain one. The
bare client loop sends the same mail in each round, without tracked links. A wave has as many messages as it sends, so
that the first milliseconds weigh the same in both. The cost of the dead receiver may be one per cent, while two equal
waves may differ by ten: so it is measured with many pairs of smaller waves.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.request import urlopen

from benchmarks.cases.tracking import CLICKS, LINKS, with_links
from benchmarks.cases.webhook import receiver
from benchmarks.ceilings import client_loop
from benchmarks.contest import alone, bench_folder
from benchmarks.measured import Figure, Measured
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from benchmarks.sink import Sink
from benchmarks.sluice import Sluice
from benchmarks.waves import Play, play, warm_up
from stack.say import say
from stack.waiting import wait_until

WAVE: Final = 20_000 * client_loop.TIMES
WARM_UP: Final = 5_000
ROUNDS: Final = 5
PAIR_WAVE: Final = 30_000
PAIRS: Final = 16
CEILING: Final = "bare client loop"
PLAIN: Final = "plain"
DELIVERED_SECONDS: Final = 60.0
"""The longest time after a wave until its events have arrived."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The watch over a wave: the account's receiver (none, active or dead), and whether clicks are tracked."""

    receiver: str = ""
    tracks_clicks: bool = False


KINDS: Final = {
    PLAIN: Watch(),
    "active webhook": Watch("active"),
    "clicks tracked": Watch(tracks_clicks=True),
    "both": Watch("active", tracks_clicks=True),
}
DEAD: Final = "dead receiver"


def measure(setting: Setting) -> Measured:
    """Measure rate and CPU time of the drain of each kind, and their ratios to the plain wave of the same round."""
    messages, pair_messages = setting.size(WAVE, quick=300), setting.size(PAIR_WAVE, quick=300)
    plays, pairs, bare = dict[str, list[Play]](), dict[str, list[Play]](), list[float]()
    with (
        receiver() as url,
        silence() as dead,
        alone(setting, environment={"WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}) as (sluice, sink),
    ):
        per_second = warm_up(sluice, sink, setting.size(WARM_UP, quick=300)) / 2
        stage = Stage(sluice, sink, {"active": url, "dead": dead}, per_second)
        for number in range(setting.count(ROUNDS)):
            for label, kind in list(KINDS.items())[:: 1 if number % 2 else -1]:
                plays.setdefault(label, []).append(stage.play(kind, messages))
                say(f"  {label}: {plays[label][-1].drained_per_second:,.0f} messages/s")
            bare.append(measure_bare(messages // client_loop.TIMES))
            say(f"  {CEILING}: {bare[-1]:,.0f} messages/s")
        for number in range(setting.count(PAIRS)):
            for label, kind in [(PLAIN, Watch()), (DEAD, Watch("dead"))][:: 1 if number % 2 else -1]:
                pairs.setdefault(label, []).append(stage.play(kind, pair_messages))
                say(f"  pair {number + 1}, {label}: {pairs[label][-1].drained_per_second:,.0f} messages/s")
    return Measured(
        [
            *(rate_of(label, plays[label], bare) for label in KINDS),
            *(Figure(f"{label}, CPU, µs/message", {SLUICE: cpu_of(plays[label])}) for label in KINDS),
            *(share_of(label, plays) for label in KINDS if label != PLAIN),
            share_of(DEAD, pairs),
        ],
        is_sound=all(play.is_sound for of_kind in [*plays.values(), *pairs.values()] for play in of_kind),
    )


@dataclass(frozen=True, slots=True)
class Stage:
    """A stack with its sink, and the URLs of an active and a dead receiver."""

    sluice: Sluice
    sink: Sink
    urls: dict[str, str]
    per_second: float

    def play(self, kind: Watch, messages: int) -> Play:
        """Play a wave with a new endpoint, which gets the events of this wave only."""
        settings = {"tracking_settings": CLICKS} if kind.tracks_clicks else {}
        usual, self.sluice.kind = self.sluice.kind, with_links(**settings)
        try:
            with self.endpoint(kind.receiver, messages):
                return play(self.sluice, self.sink, messages, per_second=self.per_second)
        finally:
            self.sluice.kind = usual

    @contextmanager
    def endpoint(self, state: str, messages: int) -> Iterator[None]:
        """Add an endpoint. Before it is deleted an active receiver has got an event of each message."""
        if not state:
            yield
            return
        path, url = "/sluice/v1/endpoints", self.urls[state]
        endpoint = self.sluice.ask("POST", path, {"url": url})[1]["data"]
        before = count_received(url) if state == "active" else 0
        yield
        if state == "active":
            what = f"the events of {messages:,} messages"
            wait_until(lambda: count_received(url) >= before + messages, seconds=DELIVERED_SECONDS, what=what)
        self.sluice.ask("DELETE", f"{path}/{endpoint['id']}")


def count_received(url: str) -> int:
    """Return the number of events that a receiver has got."""
    return int(urlopen(url, timeout=10).read())


@contextmanager
def silence() -> Iterator[str]:
    """Provide the URL of a receiver that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=1_000) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def measure_bare(messages: int) -> float:
    """Return the messages per second of the bare client loop with this mail."""
    with bench_folder() as (_, sink):
        return client_loop.messages_per_second(sink, messages, processes=client_loop.PROCESSES, html=LINKS)


def rate_of(label: str, plays: list[Play], bare: list[float]) -> Figure:
    rates = [play.drained_per_second for play in plays]
    return Figure(f"{label}, messages/s", {SLUICE: rates, CEILING: bare}, is_better_high=True)


def cpu_of(plays: list[Play]) -> list[float]:
    return [play.drain_cpu * 1e6 for play in plays]


def share_of(label: str, plays: dict[str, list[Play]]) -> Figure:
    """Return the rates of a kind as a share of the plain wave's in the same round."""
    pairs = zip(plays[label], plays[PLAIN], strict=True)
    shares = [play.drained_per_second / plain.drained_per_second for play, plain in pairs]
    return Figure(f"{label} to {PLAIN}, times", {SLUICE: shares}, True)
