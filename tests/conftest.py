"""Provide what every test shares: a database that commits for real, the clock, two accounts, a counting peer.

Fixtures build rows through the core and are named by the state they leave behind.
"""

from __future__ import annotations

import datetime as dt
import gc
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery import current_app
from django.conf import settings
from django.db import connection
from django.template import Template
from django.test import Client
from pytest_django import DjangoDbBlocker
from redis import Redis
from xdist.remote import Producer

from accounts import guessing, rates
from accounts.models import Account
from batches import hints
from config.celery import app
from console import fragments, viewers
from foundation.redis_client import client_for
from mailer.pipeline import note
from mailer.pipeline.deliver import Deliverer
from mailer.tracking import sightings
from monitoring import fleet
from stack.folders import temporary_folder
from tests.database import cloned_database, empty_tables
from tests.examples import few_by_default, load_profile
from tests.fleet import deliverer_for
from tests.operators import logged_in
from tests.peer import CountingPeer
from tests.scheduling import FilesTogether, distribute, starting_place
from tests.waiting import PATIENCE_SECONDS

gc.disable()
"""Modules and tests stay, so the garbage collector would search them in vain. It would take a fifth of the start."""
load_profile()
RENDER = Template._render


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests have recorded as a property: what a process of pytest-xdist prints is not shown."""
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        if report.when == "call":
            for figures in dict(report.user_properties).get("figures", ()):
                terminalreporter.write_line(figures)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether | None:
    return distribute(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest groups start first, so that none of them is the last one on a single process."""
    items.sort(key=starting_place)


def pytest_collection_finish() -> None:
    """Keep the garbage collector from the modules, and let it search rarely. It would take a sixth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def rendering_without_copies(django_test_environment: None) -> None:
    """Render templates as in production. Django's test environment copies the context of every one, for no test."""
    Template._render = RENDER  # type: ignore[method-assign]


@pytest.fixture(scope="session", autouse=True)
def static_files_found_when_asked_for(django_test_environment: None) -> None:
    """Let WhiteNoise find static files on request.

    Every test client builds the middleware again, which would otherwise list all static files each time.
    """
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session", autouse=True)
def fragments_built_for_every_request(django_test_environment: None) -> None:
    """Let no page show what an earlier request saw. Tests of the caches set the ages that they need."""
    fragments.FRESH_SECONDS = fragments.FINAL_SECONDS = 0.0
    viewers.REMEMBERED_SECONDS = 0.001


@pytest.fixture(scope="session", autouse=True)
def redis_waited_for(django_test_environment: None) -> None:
    """Wait longer for replies of Redis. On a busy machine a late one says nothing about Redis.

    A hand-over note that was given up makes slices small, and a limit that cannot be counted is no limit for seconds.
    """
    note.LAG_SECONDS = note.TIMEOUT_SECONDS = PATIENCE_SECONDS
    fragments.REDIS_SECONDS = fleet.REDIS_SECONDS = PATIENCE_SECONDS
    rates.client_for = sightings.client_for = patient_client_for


def patient_client_for(url: str, *, timeout_seconds: float) -> Redis:
    return client_for(url, timeout_seconds=max(timeout_seconds, PATIENCE_SECONDS))


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker, django_db_modify_db_settings: None
) -> Iterator[None]:
    """Provide a migrated database whose clock tests can move."""
    with django_db_blocker.unblock(), cloned_database(), django_db_blocker.block():
        yield


@pytest.fixture(autouse=True)
def same_celery_application() -> Iterator[None]:
    """Let a test fail that makes another Celery application the current one: tasks would go to that one's broker."""
    yield
    assert current_app._get_current_object() is app, "Celery(…) needs set_as_current=False here"


class Clock:
    """The clock `sluice_now()`, which tests can move and stop."""

    def advance(self, *, seconds: float = 0, hours: float = 0) -> None:
        """Let time pass, for PostgreSQL and so for everything that decides."""
        with connection.cursor() as cursor:
            cursor.execute("update test_clock set shift = shift + %s", [dt.timedelta(seconds=seconds, hours=hours)])

    def stop(self) -> None:
        """Let no time pass but by `advance`, so that a test of a limit is not decided by the speed of the machine."""
        with connection.cursor() as cursor:
            cursor.execute("update test_clock set stopped_at = clock_timestamp()")

    def reset(self) -> None:
        """Set the clock back to the present."""
        with connection.cursor() as cursor:
            cursor.execute("update test_clock set shift = '0', stopped_at = null")


@pytest.fixture
def database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Provide a database in which transactions commit, and empty it afterwards.

    As in production, several connections see each other's changes. Rows that migrations made stay. The connection is
    kept, since a new one has to load the definitions of all tables, which takes longer than most tests. A broker that
    was away in an earlier test is not remembered.
    """
    hints._broker_is_away_until = 0.0
    with django_db_blocker.unblock():
        yield
        empty_tables()


@pytest.fixture
def clock(database: None) -> Clock:
    """Return the clock of the database, which tests can move."""
    return Clock()


@pytest.fixture
def one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count wrong secrets in a minute that does not end during the test."""
    middle = time.time() // 60 * 60 + 30
    for module in (rates, guessing):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: middle, monotonic=time.monotonic))
    monkeypatch.setattr(rates, "_away_until", 0.0)
    monkeypatch.setattr(guessing, "_locked", {})


@pytest.fixture
def alice(database: None) -> Account:
    """Create an account."""
    return Account.objects.create(username="alice")


@pytest.fixture
def charlie(database: None) -> Account:
    """Create another account, which must never see an object of Alice."""
    return Account.objects.create(username="charlie")


@pytest.fixture
def peer() -> Iterator[CountingPeer]:
    """Run a real SMTP server that counts its mail."""
    with CountingPeer() as server:
        yield server


@pytest.fixture
def deliverer(database: None, peer: CountingPeer) -> Iterator[Deliverer]:
    """Return a worker's deliverer that delivers to the peer."""
    worker = deliverer_for(peer)
    yield worker
    worker.transport.close()


@pytest.fixture
def operator(database: None) -> Iterator[Client]:
    """Return Olga, an operator who may do everything."""
    with logged_in("olga") as client:
        yield client


@pytest.fixture(params=few_by_default([4, 1], 4), ids=["each 4th", "all"])
def step(request: pytest.FixtureRequest) -> int:
    """Return the step at which a test walks its table."""
    return int(request.param)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Create a folder that the user of PostgreSQL can read; pytest's tmp_path has stricter permissions."""
    with temporary_folder("sluice-stack-test-") as (folder, _):
        (folder / "state").mkdir(mode=0o711)
        yield folder / "state"
