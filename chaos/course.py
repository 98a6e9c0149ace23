"""Run the course from start to verdict: start the stack, let callers send, inject and heal faults, and judge."""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from redis import Redis

from chaos.afterwards import leave_mail
from chaos.api import Api
from chaos.arrived import compare_events
from chaos.breaking import break_things
from chaos.counted import read_miscounted
from chaos.counting import count_stored
from chaos.endpoints import await_deliveries, create_endpoints
from chaos.fault import Fault
from chaos.faults import FAULTS
from chaos.fleet import Watch
from chaos.journal import Journal
from chaos.ledger import Ledger
from chaos.load import Caller, send_mail
from chaos.marketing import Marketer
from chaos.operator import Operator
from chaos.pages import Compared, compare_now, compare_pages
from chaos.proxy import Door
from chaos.receiver import Receiver
from chaos.report import by_fault, make_report, name_counts
from chaos.rescue import RescueWatch
from chaos.scale import FULL, Scale
from chaos.site import Doors, Site
from chaos.truth import read_truth
from chaos.verdict import Verdict, judge
from stack import StackError
from stack.folders import temporary_folder
from stack.processes import Program
from stack.running import EMBEDDED, running_stack
from stack.say import say
from stack.stored_numbers import IS_ENDED, IS_LIVE, CampaignStatus, listed

CONNECTIONS = 4
"""The connections of each delivering process to the peer."""
QUIET_SECONDS = 90.0
AHEAD_SECONDS = 2
ENVIRONMENT = {
    **EMBEDDED,
    "RETRY_FIRST_SECONDS": "1",
    "RETRY_LONGEST_SECONDS": "4",
    "STOPPED_BATCHES_LIMIT": "100000",
    "SMTP_CONNECTIONS": str(CONNECTIONS),
    "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
}
UNFINISHED_CAMPAIGNS = (
    CampaignStatus.SCHEDULED,
    CampaignStatus.QUEUED,
    CampaignStatus.SENDING,
    CampaignStatus.PAUSED,
)
UNFINISHED = f"""
select (select count(*) from batches_parcel where {IS_LIVE})
     + (select count(*) from batches_receipt where settled_at is null)
     + (select count(*) from batches_parcel where {IS_ENDED} and not is_folded)
     + (select count(*) from campaigns_campaign where status in {listed(*UNFINISHED_CAMPAIGNS)})
"""
TODAY = "select (sluice_now() at time zone 'UTC')::date"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The printed result, its evidence, and the duplicates that kills excuse: one for each open connection."""

    report: dict[str, Any]
    verdict: Verdict
    allowed_doubles: int

    @property
    def is_kept(self) -> bool:
        """Return whether no promise was broken and duplicates stay within the allowed number."""
        zero = not any(
            self.report[name] for name in ("lost", "sent_after_settled_stop", "miscounted", "pending", "retained")
        )
        is_shown = self.report["figures_on_pages"]["wrong"] == 0
        are_events_right = not (self.verdict.events.lost or self.verdict.events.wrong)
        is_single = self.report["doubled"] <= self.allowed_doubles
        return zero and is_shown and are_events_right and is_single and not self.verdict.breaches


def run(
    *,
    seconds: float,
    seed: int,
    faults: list[Fault] = FAULTS,
    logs: Path | None = None,
    durable: bool = True,
    scale: Scale = FULL,
) -> Outcome:
    """Run the course; everything is stopped afterwards.

    `durable=False` starts sooner, and its PostgreSQL must not be crashed.
    """
    rng = random.Random(seed)
    say(f"Seed {seed}.")
    with ExitStack() as exits:
        folder, _ = exits.enter_context(temporary_folder("sluice-chaos-"))
        if logs is not None:
            exits.callback(shutil.copytree, folder / "state" / "logs", logs, dirs_exist_ok=True)
        site = start(exits, folder / "state", rng, durable=durable, scale=scale)
        fault_counts = load_and_break(site, rng, seconds=seconds, faults=faults)
        wait_until_quiet(site)
        outcome = conclude(site, fault_counts, seed)
        site.end_all()
        return outcome


def start(exits: ExitStack, state: Path, rng: random.Random, *, durable: bool, scale: Scale) -> Site:
    """Start the peer, the receiver and the proxies first, then the stack between them; create the endpoints."""
    ledger = exits.enter_context(Ledger(random.Random(rng.random())))
    receiver = exits.enter_context(Receiver())
    doors = Doors(*(exits.enter_context(Door()) for _ in range(3)))
    doors.peer.target = ledger.port

    def programs(state: Path, port: int, environment: Mapping[str, str]) -> list[Program]:
        return scale.fleet(state, port, {**environment, **through(doors, scale, environment)})

    environment = {**ENVIRONMENT, "SMTP_URL": f"smtp://{doors.peer.place}"}
    stack = exits.enter_context(running_stack(state=state, environment=environment, programs=programs, durable=durable))
    api = Api(stack.base_url, stack.logins.api_key)
    return Site(
        stack=stack,
        scale=scale,
        ledger=ledger,
        receiver=receiver,
        keys=create_endpoints(api, receiver, stack.environment["DATABASE_URL"]),
        doors=doors,
        journal=Journal(),
        api=api,
        rescues=RescueWatch(stack.environment["DATABASE_URL"]),
        rng=random.Random(rng.random()),
        started_at=time.monotonic(),
    )


def through(doors: Doors, scale: Scale, environment: Mapping[str, str]) -> dict[str, str]:
    """Point the proxies to the engines' unix sockets; return the URLs of the engines through the proxies."""
    redis, database = urlsplit(environment["REDIS_URL"]), urlsplit(environment["DATABASE_URL"])
    doors.redis.target = Path(redis.path)
    doors.postgresql.target = Path(parse_qs(database.query)["host"][0], f".s.PGSQL.{database.port}")
    urls = {"REDIS_URL": f"redis://{doors.redis.place}/0"}
    if scale.has_database_door:
        login, _, _ = database.netloc.rpartition("@")
        urls["DATABASE_URL"] = f"postgresql://{login}@{doors.postgresql.place}{database.path}"
    return urls


def conclude(site: Site, fault_counts: Counter[str], seed: int) -> Outcome:
    """Compare the promises with the facts and return the outcome."""
    site.rescues.end()
    site.end_orphans()
    truth = read_truth(site.database_url)
    verdict = judge(site.journal, site.ledger.by_recipient(), truth)
    verdict.miscounted = read_miscounted(site.database_url)
    operator = Operator(site.stack.base_url, site.stack.logins.admin_username, site.stack.logins.admin_password)
    leave_mail(site, operator, site.rng)
    if not await_deliveries(site):
        verdict.breaches.append("the lanes of the endpoints have not delivered the whole log")
    verdict.events = compare_events(site.database_url, site.receiver, site.keys)
    say(f"Events at the native endpoint: {name_counts(verdict.events.kinds)}.")
    compared = compare_site(site, operator)
    verdict.wrong_figures = compared.wrong
    say("Lateness in ms (p50, p99, max) of mail that was due during each fault:")
    say(by_fault(verdict.lateness, site.windows))
    say("Milliseconds to the answer (p50, p99, max) of requests during each fault:")
    say(by_fault(site.api.answers, site.windows))
    report = make_report(
        verdict, truth, figures=compared.figures, rescues=site.rescues.seconds, faults=fault_counts, seed=seed
    )
    return Outcome(report, verdict, site.kills * CONNECTIONS)


def compare_site(site: Site, operator: Operator) -> Compared:
    """Compare the figures of all pages and of the native API with the stored numbers.

    If a day ends meanwhile, pages show figures of another day than the snapshot, and everything is compared again.
    """
    with (
        psycopg.connect(site.database_url, autocommit=True) as connection,
        Redis(unix_socket_path=str(site.doors.redis.target)) as broker,
    ):
        while True:
            day = site.query(TODAY)
            numbers = count_stored(site.database_url, Watch(connection, broker))
            compared = compare_pages(operator.read, numbers)
            compare_now(site.api.ask("GET", "/sluice/v1/now").body.decode(), numbers, compared)
            if site.query(TODAY) == day:
                return compared


def load_and_break(site: Site, rng: random.Random, *, seconds: float, faults: list[Fault]) -> Counter[str]:
    """Let callers send while faults are injected; at the end every caller resumes the batches that it paused."""
    end = threading.Event()
    callers: list[threading.Thread] = [
        Caller(site, random.Random(rng.random()), end) for _ in range(site.scale.callers)
    ]
    callers.append(Marketer(site, random.Random(rng.random()), end))
    for caller in callers:
        caller.start()
    try:
        return break_things(site, rng, until=time.monotonic() + seconds, faults=faults)
    finally:
        end.set()
        for caller in callers:
            caller.join(200)
        site.say("all faults are healed and all paused batches are resumed")


def wait_until_quiet(site: Site) -> None:
    """Wait until no message is pending, no receipt is open and all totals are folded; then send one more wave."""
    site.check()
    await_end(site, "all messages to reach a final state", seconds=QUIET_SECONDS)
    asked_at = time.time()
    for size in site.scale.last_wave:
        request = send_mail(site.api, site.journal, "", size, int(asked_at) + AHEAD_SECONDS)
        if request.status != 202:
            site.breach(f"the last wave was answered {request.status}")
    await_end(site, "the last wave", seconds=QUIET_SECONDS)
    statement = "select count(*) from batches_worker where seen_at >= to_timestamp(%s)"
    site.say(f"the last wave was delivered by {site.query(statement, asked_at)[0][0]} processes")
    site.check()


def await_end(site: Site, what: str, *, seconds: float) -> None:
    def is_over() -> bool:
        try:
            return bool(site.query(UNFINISHED)[0][0] == 0)
        except psycopg.OperationalError:
            return False

    try:
        site.wait_until(is_over, seconds=seconds, what=what)
    except StackError as error:
        site.breach(str(error))
