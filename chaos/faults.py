"""Define the faults. Each breaks a part at its first step and heals it at its second.

Between the two the harness waits `seconds`. Healing ends when the program works again.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from chaos.fault import Fault, Steps
from chaos.ledger import Mood
from chaos.load import send_mail
from chaos.proxy import FAST, Door, Link
from chaos.receiver_faults import RECEIVER_FAULTS
from chaos.site import ACCEPTING, DELIVERING, Doors, Site, children_of, state_of

STAMP = re.compile(r'"timestamp": "([^"]+)"')
SHIM = Path(__file__).parent / "shim"


def kill_worker_child(site: Site) -> Iterator[None]:
    """Kill one or both processes of a worker's pool, which Celery replaces."""
    victims = site.pool_of(site.rng.choice(site.scale.workers))
    site.rng.shuffle(victims)
    victims = victims[: site.rng.randint(1, 2)]
    site.catch(DELIVERING)
    site.count_kill(len(victims))
    site.kill(victims)
    site.expect(victims, "no worker process was found")
    yield


def kill_worker_main(site: Site) -> Iterator[None]:
    """Kill a worker's main process only: its pool is orphaned in the middle of its work."""
    name = site.rng.choice(site.scale.workers)
    site.catch(DELIVERING)
    site.kill([site.child(name).process.pid])
    yield
    site.restart(name)


def kill_worker_whole(site: Site) -> Iterator[None]:
    """Kill main process, pool and node loop at once, as when a machine is lost."""
    name = site.rng.choice(site.scale.workers)
    site.catch(DELIVERING)
    site.count_kill(2)
    os.killpg(site.child(name).process.pid, signal.SIGKILL)
    yield
    site.restart(name)


def kill_eta_worker(site: Site) -> Iterator[None]:
    """Kill the workers that announce waves and sweep."""
    os.killpg(site.child("eta").process.pid, signal.SIGKILL)
    yield
    site.restart("eta")


def kill_beat(site: Site) -> Iterator[None]:
    site.kill([site.child("beat").process.pid])
    yield
    site.restart("beat")


def two_beats(site: Site) -> Iterator[None]:
    site.start_double("beat", "beat2", sign="Sending due task sweep")
    yield
    site.end_double("beat2")


def kill_web_in_accept(site: Site) -> Iterator[None]:
    """Kill all web processes while big requests are being stored and none is committed, and start others.

    An accept takes milliseconds: a lock keeps them in the middle of it until the processes are gone.
    """
    posts = [threading.Thread(target=post_much, args=[site], daemon=True) for _ in range(3)]
    with site.holding_up_accepts():
        for post in posts:
            post.start()
        site.expect(site.catch(ACCEPTING, seconds=10), "no request was being accepted")
        victims = site.pool_of("web")
        site.kill(victims)
    site.expect(victims, "no web process was found")
    yield
    for post in posts:
        post.join(70)


def post_much(site: Site) -> None:
    send_mail(site.api, site.journal, "", 500, int(time.time()) + 2)


def suspend_worker(site: Site) -> Iterator[None]:
    """Suspend a worker for longer than its fence allows; others take its parcels, then it wakes up."""
    victims = site.pool_of(site.rng.choice(site.scale.workers))
    site.catch(DELIVERING)
    site.rescues.watch()
    site.kill(victims, signal.SIGSTOP)
    site.await_effect(lambda: victims and {state_of(pid) for pid in victims} == {"T"}, "the worker is suspended")
    yield
    site.kill(victims, signal.SIGCONT)


def shift_clock(site: Site) -> Iterator[None]:
    """Restart a worker with a clock that is five minutes wrong; PostgreSQL's clock decides."""
    name, seconds = site.rng.choice(site.scale.all_workers), site.rng.choice((300, -300))
    site.say(f"the clock of {name} will be wrong by {seconds} s")
    site.end(name)
    site.restart(name, environment={"PYTHONPATH": str(SHIM), "CHAOS_CLOCK_SECONDS": str(seconds)})
    site.await_effect(lambda: abs(clock_error(site, name) - seconds) < 30, "the worker's clock is wrong")
    yield
    site.end(name)
    site.restart(name)


def clock_error(site: Site, name: str) -> float:
    """Return by how many seconds a program's clock is ahead, as the last line of its log has it."""
    stamps = STAMP.findall(site.child(name).tail())
    return dt.datetime.fromisoformat(stamps[-1]).timestamp() - time.time() if stamps else 0.0


def fill_disk(site: Site) -> Iterator[None]:
    """Limit the files of a worker to their present size, temporary files and the log included; its output is lost."""
    name = site.rng.choice(site.scale.workers)
    main = site.child(name).process.pid
    pids = [main, *children_of(main)]
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    size = site.child(name).log.stat().st_size
    # Losing every connection to Redis makes the worker write to its log.
    site.redis("CLIENT", "KILL", "TYPE", "normal")
    yield
    site.expect(site.child(name).log.stat().st_size == size, "the worker could still write to its log")
    for pid, limits in before.items():
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def restart_postgresql(site: Site) -> Iterator[None]:
    """Restart PostgreSQL in mode `fast`: sessions are ended and a checkpoint is written."""
    site.rescues.watch()
    site.restart_postgresql(signal.SIGINT)
    yield


def crash_postgresql(site: Site) -> Iterator[None]:
    """Stop PostgreSQL in mode `immediate`: nothing is written, and the next start recovers from the log."""
    site.rescues.watch()
    site.restart_postgresql(signal.SIGQUIT)
    yield


def end_backends(site: Site) -> Iterator[None]:
    """End every database session of the service."""
    site.catch(DELIVERING)
    site.rescues.watch()
    ended = site.query(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()"
    )
    site.expect(ended, "no session was found")
    yield


def flush_redis(site: Site) -> Iterator[None]:
    site.expect(site.redis("FLUSHALL").startswith(b"+OK"), "Redis was not flushed")
    yield


def restart_redis(site: Site) -> Iterator[None]:
    """Kill Redis, leave it stopped for a while, and start it with or without its data."""
    site.kill([site.child("valkey").process.pid])
    yield
    site.restart("valkey")


def black_hole_redis(site: Site) -> Iterator[None]:
    """Keep the connections to Redis open, and forward no data."""
    before = site.doors.redis.held
    site.doors.redis.swallow()
    yield
    site.await_effect(lambda: site.doors.redis.held > before, "data is held back")
    site.doors.redis.pass_on()


def slow(choose: Callable[[Doors], Door], link: Link) -> Steps:
    """Delay everything through one proxy, in both directions."""

    def change(site: Site) -> Iterator[None]:
        door = choose(site.doors)
        before = door.delayed
        door.link = link
        yield
        site.await_effect(lambda: door.delayed > before, "data passes the slow link")
        door.link = FAST

    return change


def close_peer(site: Site) -> Iterator[None]:
    site.doors.peer.close()
    site.ledger.close()
    yield
    site.ledger.open()
    site.doors.peer.open()


def in_a_mood(mood: Mood) -> Steps:
    """Keep the peer in this mood until it has been felt at least once."""

    def change(site: Site) -> Iterator[None]:
        before = site.ledger.ill_treated
        site.ledger.mood = mood
        yield
        site.await_effect(lambda: site.ledger.ill_treated > before, "the peer misbehaves", seconds=20)
        site.ledger.mood = Mood()

    return change


FAULTS = [
    Fault("worker child killed", "worker", (0.5, 1.0), kill_worker_child),
    Fault("worker main process killed", "worker", (1.0, 8.0), kill_worker_main),
    Fault("whole worker killed", "worker", (1.0, 8.0), kill_worker_whole),
    Fault("worker suspended", "worker", (6.0, 9.0), suspend_worker),
    Fault("worker's clock wrong", "worker", (5.0, 10.0), shift_clock),
    Fault("worker's disk full", "worker", (2.0, 5.0), fill_disk),
    Fault("wave and sweep worker killed", "eta", (1.0, 5.0), kill_eta_worker),
    Fault("beat killed", "beat", (1.0, 5.0), kill_beat),
    Fault("two beats", "beat", (3.0, 6.0), two_beats),
    Fault("web killed in an accept", "web", (0.5, 1.0), kill_web_in_accept),
    Fault("PostgreSQL restarted", "postgresql", (0.0, 0.5), restart_postgresql),
    Fault("PostgreSQL crashed", "postgresql", (0.0, 0.5), crash_postgresql),
    Fault("database sessions ended", "postgresql", (0.0, 0.5), end_backends),
    Fault("PostgreSQL slow", "postgresql", (4.0, 8.0), slow(lambda doors: doors.postgresql, Link(0.2, 500_000))),
    Fault("Redis flushed", "redis", (0.0, 0.5), flush_redis),
    Fault("Redis restarted", "redis", (0.5, 5.0), restart_redis),
    Fault("Redis slow", "redis", (4.0, 8.0), slow(lambda doors: doors.redis, Link(0.4, 200_000))),
    Fault("Redis a black hole", "redis", (3.0, 12.0), black_hole_redis),
    Fault("peer's link slow", "peer", (4.0, 8.0), slow(lambda doors: doors.peer, Link(0.3, 20_000))),
    Fault("peer away", "peer", (1.0, 6.0), close_peer),
    Fault("peer slow (10 s)", "peer", (5.0, 12.0), in_a_mood(Mood(seconds=(10.0, 10.0)))),
    Fault("peer drops after the dot", "peer", (2.0, 5.0), in_a_mood(Mood(dropped_share=0.1))),
    Fault("storm of 4xx", "peer", (2.0, 5.0), in_a_mood(Mood(storm_share=0.7))),
    *RECEIVER_FAULTS,
]
