"""The ceilings at tiny sizes do the work whose speed they report."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pytest

from benchmarks.ceilings import client_loop, sink_alone
from benchmarks.ceilings.bare_copy import copy_text
from benchmarks.sink import running_sink
from stack.folders import temporary_folder

pytestmark = pytest.mark.large

MESSAGES = 50
TIMES = {
    "client_loop": client_loop.TIMES,
    "client_alone": client_loop.TIMES,
    "sink_alone": sink_alone.TIMES,
    "bare_copy": 0,
    "empty_view": 0,
}
"""How often each message arrives at the sink, by ceiling."""


@pytest.mark.parametrize("name", TIMES)
def test_a_ceiling_is_measured(name: str) -> None:
    with temporary_folder("sluice-test-ceilings-") as (folder, _), running_sink(folder) as sink:
        assert import_module(f"benchmarks.ceilings.{name}").measure(folder, sink, MESSAGES) > 0
        numbers = sorted(number for _, number in sink.arrivals())
    assert numbers == sorted([*range(MESSAGES)] * TIMES[name])


def test_the_mail_of_a_bare_client_is_personal_and_complete() -> None:
    ((first, second),) = client_loop.make_slices(range(7, 9))
    assert first.recipients == ("r7@bench.example",)
    assert b"To: r7@bench.example\r\n" in first.data
    assert b"Dear Name 7" in first.data
    assert b"Name 7" not in second.data
    assert not [mark for mark in (b"-name-", b"-n-", b"-to-") if mark in first.data]
    assert 2000 < len(first.data) < 4000


def test_the_rows_of_a_bare_copy_are_those_of_messages() -> None:
    rows: list[Any] = [line.split("\t") for line in copy_text(range(3, 5)).decode().splitlines()]
    assert [row[:3] for row in rows] == [["3", "1", "r3@bench.example"], ["4", "1", "r4@bench.example"]]
    assert json.loads(rows[0][3]) == {"substitutions": {"-name-": "Name 3", "-n-": "3"}}
