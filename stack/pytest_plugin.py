"""Start PostgreSQL and Valkey for pytest, before Django's settings are read.

The process that a person started starts them; pytest-xdist's workers inherit the environment and use a Redis database
each. DATABASE_URL or REDIS_URL, where set, is used instead. The next run uses PostgreSQL's cluster again.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from foundation.redis_client import client_for
from stack.services import engines_of_tests

SETTINGS = {
    "SECRET_KEY": "a key for tests only, of no secrecy at all",
    "MESSAGE_ID_DOMAIN": "sluice.test",
    "STOP_CUTOFF_SECONDS": "0",
}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """Prepare the environment before pytest-django reads the settings in the same hook, as a wrapper."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        shared = os.environ["REDIS_URL"]
        url = os.environ["REDIS_URL"] = redis_url_of(worker, shared)
        if url != shared:
            forget_earlier_runs(url)
    else:
        prepare_environment()
        forget_earlier_runs(os.environ["REDIS_URL"])
    return (yield)


def prepare_environment() -> None:
    """Start the engines, which live until this process ends; the watchdog stops them if it is killed."""
    engines = ExitStack()
    atexit.register(engines.close)
    os.environ.update(engines.enter_context(engines_of_tests(os.environ)).environment)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


def forget_earlier_runs(redis_url: str) -> None:
    """Delete the keys of Sluice in a Redis database, which may have those of others, too.

    The ids of accounts begin again with each run, and limits by the hour would count what an earlier run did. The
    workers of pytest-xdist share the database of an outside Redis on TCP: only the process that starts them does this.
    """
    client = client_for(redis_url, timeout_seconds=10)
    for name in client.scan_iter("sluice:*", count=1000):
        client.delete(name)
    client.close()


def redis_url_of(worker: str, url: str) -> str:
    """Return the URL of a worker's database: gw1 uses database 1. The URL of an outside Redis is unchanged."""
    head, option, _ = url.partition("?virtual_host=")
    return f"{head}{option}{worker.removeprefix('gw')}" if option else url
