"""Measure the pages of operators with 200,000 parcels and 10,000,000 waiting messages, and their cost (case `console`).

Each page is requested as a person opens it, and live pages are polled for changes. *Now* is then kept open in one
tab and in fifty. At last waves are played and mail is accepted in pairs, without the console and with it open, and a
batch is paused and resumed in both.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from statistics import median
from typing import Final
from urllib.parse import urlencode, urlsplit

from benchmarks import queries
from benchmarks.callers import KEPT_SECONDS
from benchmarks.contest import alone, summary_of
from benchmarks.measured import Figure, Measured, spread
from benchmarks.pages import CONSOLE, HEADER, LIVE
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from benchmarks.sink import Sink
from benchmarks.sluice import Sluice
from benchmarks.waves import Play, play, warm_up
from stack.say import say

SMALL: Final = 200_000
"""The number of parcels with one message each."""
LARGE: Final = 10_000_000
BATCHES: Final = 200
WAVE: Final = 60_000
"""Such a wave takes about two seconds, so the open pages are refreshed while it is being delivered."""
PAIRS: Final = 9
ACCEPT_PAIRS: Final = 32
"""There are more of these pairs than of waves, since the rate of accepting equal mail differs by a third."""
LOOKS: Final = 15
TABS: Final = 50
POLL_SECONDS: Final = 3.0
WATCHED_SECONDS: Final = 30.0
PAUSES: Final = 20
AHEAD_SECONDS: Final = 24 * 3600
SPAN_SECONDS: Final = 40 * 3600


def measure(setting: Setting) -> Measured:
    with alone(setting) as (sluice, sink):
        per_second = warm_up(sluice, sink)
        add_batches(sluice, setting.size(SMALL, quick=400), batches=setting.size(BATCHES, quick=4))
        small = look_at_all(sluice, setting, "200,000 parcels") | build_all(sluice, setting, "200,000 parcels")
        batch_id = sluice.create_batch()
        ahead = time.time() + AHEAD_SECONDS
        sluice.fill(batch_id, setting.size(LARGE, quick=2_000), send_at=ahead, span_seconds=SPAN_SECONDS)
        large = look_at_all(sluice, setting, "10,000,000 waiting") | build_all(sluice, setting, "10,000,000 waiting")
        shares = {tabs: watch(sluice, setting, tabs) for tabs in (1, setting.size(TABS, quick=2))}
        plays, pauses = play_pairs(sluice, sink, setting, per_second)
        accepts = accept_pairs(sluice, setting)
    one_tab, many_tabs = shares.values()
    return Measured(
        [
            *(figure for name, times in {**small, **large}.items() for figure in spread(name, times)),
            Figure(f"a core, from the second to tab {max(shares)}", {SLUICE: [many_tabs - one_tab]}),
            *compare(plays, accepts),
            Figure("pause, open to closed, times", {SLUICE: [median(pauses[True]) / median(pauses[False])]}),
        ],
        is_sound=all(play.is_sound for plays_of_kind in plays.values() for play in plays_of_kind),
    )


def add_batches(sluice: Sluice, parcels: int, *, batches: int) -> None:
    """Add batches whose parcels have a message each. A half of them are paused, and their mail is retained."""
    template = sluice.create_batch()
    sluice.fill(template, 1, send_at=time.time() + AHEAD_SECONDS)
    values = {"template": template, "batches": batches, "parcels": parcels // batches, "from": time.time()}
    with sluice.database.transaction():
        for statement in queries.FILL_BATCHES:
            sluice.database.execute(statement.encode(), values)
    sluice.database.execute("vacuum analyze")


class Operator:
    """A browser in which an operator is logged in, with one connection."""

    def __init__(self, sluice: Sluice) -> None:
        self.connection = HTTPConnection(urlsplit(sluice.stack.base_url).netloc, timeout=60)
        self.cookies: dict[str, str] = {}
        self.used_at = 0.0
        token = self._keep_cookies(self._ask("GET", "/admin/login/"))
        logins = sluice.stack.logins
        fields = {"username": logins.admin_username, "password": logins.admin_password, "csrfmiddlewaretoken": token}
        self._keep_cookies(self._ask("POST", "/admin/login/?next=/admin/", urlencode(fields)))

    def look(self, path: str, *, tag: str = "") -> HTTPResponse:
        """Return the response to a page, whose body was read. Raises RuntimeError unless it is a 200 or a 304."""
        response = self._ask("GET", path, headers={"If-None-Match": tag} if tag else {})
        if response.status not in {200, 304}:
            raise RuntimeError(f"GET {path}: {response.status}")
        return response

    def _ask(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> HTTPResponse:
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **(headers or {})}
        sent |= {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        # The server may close a connection that waits. A browser would notice, and connect again.
        if time.monotonic() - self.used_at > KEPT_SECONDS:
            self.connection.close()
        self.connection.request(method, path, body, sent)
        response = self.connection.getresponse()
        response.read()
        self.used_at = time.monotonic()
        return response

    def _keep_cookies(self, response: HTTPResponse) -> str:
        """Keep the cookies, and return the token against forged requests."""
        for cookie in response.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return self.cookies.get("csrftoken", "")


def look_at_all(sluice: Sluice, setting: Setting, beside: str) -> dict[str, list[float]]:
    """Return the milliseconds of each page, opened several times after its live part has grown old.

    The header of all pages has grown old for the first one of each round.
    """
    addresses = fill_in(sluice, CONSOLE)
    operator, times = Operator(sluice), {name: list[float]() for name in addresses}
    for address in addresses.values():
        operator.look(address)
    for _ in range(setting.count(LOOKS)):
        time.sleep(POLL_SECONDS + 0.1)
        for name, address in addresses.items():
            times[name].append(time_of(operator, address))
    return report(times, beside)


def build_all(sluice: Sluice, setting: Setting, beside: str) -> dict[str, list[float]]:
    """Return the milliseconds that it takes to build each fragment of HTML that all viewers share.

    This is the difference between a poll after the fragment has grown old, and the next one. The first live part shares
    what it reads with the header, as on the page, so the time of the header is subtracted.
    """
    addresses = fill_in(sluice, LIVE)
    operator, times = Operator(sluice), {name: list[float]() for name in ("header", *addresses)}
    for address in (HEADER, *addresses.values()):
        operator.look(address)
    for _ in range(setting.count(LOOKS)):
        time.sleep(POLL_SECONDS + 0.1)
        of_header = build(operator, HEADER)
        times["header"].append(of_header)
        time.sleep(POLL_SECONDS + 0.1)
        for name, address in addresses.items():
            times[name].append(max(build(operator, address) - of_header, 0.0))
            of_header = 0.0
    return report(times, beside)


def build(operator: Operator, address: str) -> float:
    """Return the milliseconds that a poll takes longer than the next one, which builds nothing."""
    old, new = (time_of(operator, address) for _ in range(2))
    return max(old - new, 0.0)


def fill_in(sluice: Sluice, addresses: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses of pages by name, with the newest batch and its account in those that need them."""
    newest = sluice.number("select max(id) from batches_batch")
    account = sluice.number(f"select account_id from batches_batch where id = {newest}")
    return {name: address.format(batch=newest, account=account) for name, address in addresses.items()}


def time_of(operator: Operator, address: str) -> float:
    """Return the milliseconds of a page."""
    began_at = time.monotonic()
    operator.look(address)
    return (time.monotonic() - began_at) * 1000


def report(times: dict[str, list[float]], beside: str) -> dict[str, list[float]]:
    """Show the medians, and return the times by their name and the amount of stored mail."""
    for name, milliseconds in times.items():
        say(f"  {name}, {beside}: {median(milliseconds):.0f} ms")
    return {f"{name}, {beside}": milliseconds for name, milliseconds in times.items()}


def watch(sluice: Sluice, setting: Setting, tabs: int) -> float:
    """Return the share of a core that the web server, PostgreSQL and Redis use while this many tabs show *Now*."""
    with console_open(sluice, tabs):
        time.sleep(POLL_SECONDS)
        before, began_at = sluice.cpu(), time.monotonic()
        time.sleep(setting.size(1, quick=0) * WATCHED_SECONDS + 1)
        share = sum(sluice.cpu().since(before)) / (time.monotonic() - began_at)
    say(f"  {tabs} tabs: {share:.3f} of a core")
    return share


@contextmanager
def console_open(sluice: Sluice, tabs: int) -> Iterator[None]:
    """Keep *Now* open in some tabs of one browser each."""
    end = threading.Event()
    threads = [threading.Thread(target=poll, args=[Operator(sluice), end, n / tabs]) for n in range(tabs)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        end.set()
        for thread in threads:
            thread.join()


def poll(operator: Operator, end: threading.Event, phase: float) -> None:
    """Ask for the changes of the page every 3 seconds, as its script does."""
    tag = ""
    end.wait(phase * POLL_SECONDS)
    while not end.wait(POLL_SECONDS):
        tag = operator.look("/admin/?live=1", tag=tag).headers["ETag"] or ""


def play_pairs(
    sluice: Sluice, sink: Sink, setting: Setting, per_second: float
) -> tuple[dict[bool, list[Play]], dict[bool, list[float]]]:
    """Play waves in pairs, with the console closed and open.

    Return the waves and the milliseconds of pauses, both by whether the console was open.
    """
    plays: dict[bool, list[Play]] = {False: [], True: []}
    pauses: dict[bool, list[float]] = {False: [], True: []}
    batch_id = sluice.create_batch()
    sluice.fill(batch_id, setting.size(100_000, quick=500), send_at=time.time() + AHEAD_SECONDS)
    for is_open in take_turns(sluice, setting.count(PAIRS)):
        plays[is_open].append(play(sluice, sink, setting.size(WAVE, quick=300), per_second=per_second))
        pauses[is_open] += pause(sluice, batch_id, setting.count(PAUSES))
        say(f"  {'open' if is_open else 'closed'}: {summary_of(plays[is_open][-1])}")
    return plays, pauses


def take_turns(sluice: Sluice, pairs: int) -> Iterator[bool]:
    """Yield whether the console is open, in pairs of which every other one begins with the open console."""
    for number in range(pairs):
        for is_open in (False, True) if number % 2 == 0 else (True, False):
            with console_open(sluice, tabs=3 if is_open else 0):
                yield is_open


def accept_pairs(sluice: Sluice, setting: Setting) -> dict[bool, list[tuple[float, float]]]:
    """Return the messages that are accepted a second, and the CPU seconds, by whether the console was open."""
    accepts: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    messages = setting.size(WAVE, quick=300)
    say(f"Pairs of {messages:,} messages that are accepted, with the console closed and open")
    for is_open in take_turns(sluice, setting.count(ACCEPT_PAIRS)):
        before, began_at = sluice.cpu(), time.monotonic()
        sluice.schedule(messages, time.time() + AHEAD_SECONDS)
        seconds = time.monotonic() - began_at
        accepts[is_open].append((messages / seconds, sum(sluice.cpu().since(before))))
    return accepts


def pause(sluice: Sluice, batch_id: str, times: int) -> list[float]:
    """Return the milliseconds of pauses of a batch, each of which is taken back."""
    caller, milliseconds = sluice.caller(), []
    for _ in range(times):
        began_at = time.monotonic()
        caller.ask("POST", f"/sluice/v1/batches/{batch_id}/pause", b"{}")
        milliseconds.append((time.monotonic() - began_at) * 1000)
        caller.ask("POST", f"/sluice/v1/batches/{batch_id}/resume", b"{}")
    caller.close()
    return milliseconds


def compare(plays: dict[bool, list[Play]], accepts: dict[bool, list[tuple[float, float]]]) -> list[Figure]:
    """Return the medians of the ratios of each pair, open to closed."""
    waves = list(zip(plays[True], plays[False], strict=True))
    accepted = list(zip(accepts[True], accepts[False], strict=True))
    ratios = {
        "drain": [opened.drained_per_second / closed.drained_per_second for opened, closed in waves],
        "CPU of the drain": [opened.drain_cpu / closed.drain_cpu for opened, closed in waves],
        "accept": [opened / closed for (opened, _), (closed, _) in accepted],
        "CPU of accept": [opened / closed for (_, opened), (_, closed) in accepted],
    }
    return [
        Figure(f"{name}, open to closed, times", {SLUICE: values}, not name.startswith("CPU"))
        for name, values in ratios.items()
    ]
