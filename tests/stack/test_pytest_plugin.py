"""Test the environment of this very test run."""

from __future__ import annotations

import os

import pytest

from foundation.redis_client import client_for
from stack.pytest_plugin import forget_earlier_runs, redis_url_of


def test_each_test_process_has_a_separate_redis_database() -> None:
    assert (
        redis_url_of("gw3", "redis+socket:///run/v.sock?virtual_host=0") == "redis+socket:///run/v.sock?virtual_host=3"
    )
    assert redis_url_of("gw3", "redis://cache:6379/2") == "redis://cache:6379/2"


@pytest.mark.skipif("/sluice-test" not in os.environ["REDIS_URL"], reason="Redis is not the plugin's")
def test_this_process_uses_its_redis_database(worker_id: str) -> None:
    number = "0" if worker_id == "master" else worker_id.removeprefix("gw")
    assert os.environ["REDIS_URL"].endswith(f"?virtual_host={number}")


@pytest.mark.skipif("/sluice-test" not in os.environ["REDIS_URL"], reason="Redis is not the plugin's")
def test_what_an_earlier_run_has_counted_is_forgotten() -> None:
    url = os.environ["REDIS_URL"].partition("=")[0] + "=15"
    client = client_for(url, timeout_seconds=10)
    client.mset({"sluice:place:of-an-earlier-run": 1, "another's": 1})
    forget_earlier_runs(url)
    assert client.keys() == [b"another's"]
    client.delete("another's")
    client.close()


def test_settings_are_those_of_tests() -> None:
    assert os.environ["MESSAGE_ID_DOMAIN"] == "sluice.test"
