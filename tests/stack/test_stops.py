"""However the launcher ends, no process of its stack stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.processes import MOST_ENDS
from stack.watchdog import Member, is_running, read_members
from tests.examples import few_by_default

from .launching import Launched, processes_naming, wait_until


@pytest.fixture
def state(used_state: Path) -> Path:
    """Return the state folder without the notes of an earlier test's stack."""
    for note in (used_state / "order", *used_state.glob("*.pid"), *used_state.glob("logs/*")):
        note.unlink(missing_ok=True)
    return used_state


@pytest.fixture
def launched(state: Path, request: pytest.FixtureRequest) -> Iterator[Launched]:
    """Start a stack of real engines and stand-ins, and wait until it is up."""
    options = getattr(request, "param", ())
    stack = Launched(sys.executable, "-m", "tests.stack.stand_in", str(state), *options)
    try:
        stack.wait_for("everything is up")
        yield stack
    finally:
        stack.close()
        wait_until(lambda: not processes_naming(state))


def stopped_in_order(state: Path) -> bool:
    order = (state / "order").read_text().split()
    return order == ["beat", "web", "worker"] and "database system is shut down" in postgresql_log(state)


def postgresql_log(state: Path) -> str:
    return (state / "logs" / "postgresql.log").read_text()


def kill_web(state: Path) -> int:
    """Kill the stand-in for the web, and return its process id."""
    process = int((state / "web.pid").read_text())
    os.kill(process, signal.SIGKILL)
    return process


def wait_for_another_web(state: Path, process: int) -> None:
    wait_until(lambda: (state / "web.pid").read_text() not in {"", str(process)})


@pytest.mark.parametrize("how", few_by_default(["Ctrl-C", "SIGTERM", "closed terminal"], "SIGTERM"))
def test_a_requested_stop_is_orderly_and_leaves_no_process(launched: Launched, state: Path, how: str) -> None:
    assert launched.end(how) == 0
    assert processes_naming(state) == []
    assert stopped_in_order(state)


@pytest.mark.large
def test_kill_9_of_the_launcher_leaves_no_process(launched: Launched, state: Path) -> None:
    launched.end("SIGKILL")
    wait_until(lambda: not processes_naming(state))
    assert "database system is shut down" in postgresql_log(state)


@pytest.mark.large
@pytest.mark.parametrize("launched", [("--watchdog-only",)], indirect=True)
def test_the_watchdog_stops_programs_in_order(launched: Launched, state: Path) -> None:
    launched.end("SIGKILL")
    wait_until(lambda: not processes_naming(state))
    assert stopped_in_order(state)


@pytest.mark.large
@pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's parent-death signal")
def test_kill_9_of_launcher_and_watchdog_leaves_no_engine(launched: Launched, state: Path) -> None:
    watchdog = next(line for line in processes_naming(state) if "watchdog.py" in line)
    os.kill(int(watchdog.split()[0]), signal.SIGKILL)
    launched.end("SIGKILL")
    # The stand-ins' stubborn children remain, since nothing stops them. The real programs' children end by themselves.
    wait_until(lambda: not any("postgres" in line or "valkey" in line for line in processes_naming(state)))
    for line in processes_naming(state):
        os.kill(int(line.split()[0]), signal.SIGKILL)


@pytest.mark.large
def test_a_program_that_dies_is_started_again_and_nothing_of_it_is_left(launched: Launched, state: Path) -> None:
    killed = kill_web(state)
    launched.wait_for("web ended by signal SIGKILL and was started again")
    wait_for_another_web(state, killed)
    assert len([line for line in processes_naming(state) if line.endswith(" web")]) == 2, "it and its child"
    assert launched.end("SIGTERM") == 0
    assert stopped_in_order(state)


@pytest.mark.large
def test_a_program_that_dies_again_and_again_is_named_and_stops_the_stack(launched: Launched, state: Path) -> None:
    for _ in range(MOST_ENDS - 1):
        wait_for_another_web(state, kill_web(state))
    kill_web(state)
    assert launched.wait() == 1
    assert "web ended by signal SIGKILL. The end of" in launched.shown
    assert processes_naming(state) == []


@pytest.mark.large
def test_an_engine_that_dies_is_named_and_stops_the_stack(launched: Launched, state: Path) -> None:
    engine = next(line for line in processes_naming(state) if "valkey" in line)
    os.kill(int(engine.split()[0]), signal.SIGKILL)
    assert launched.wait() == 1
    assert "valkey ended by signal SIGKILL. The end of" in launched.shown
    assert processes_naming(state) == []


@pytest.mark.large
def test_a_second_launcher_in_the_folder_is_refused(launched: Launched, state: Path) -> None:
    second = subprocess.run([sys.executable, "-m", "tests.stack.stand_in", str(state)], capture_output=True, text=True)
    assert second.returncode == 1
    assert f"Already running in {state}, pid {launched.process.pid}." in second.stderr
    assert launched.end("SIGTERM") == 0


def test_the_watchdog_forgets_ended_processes() -> None:
    members = [Member(11, 0, 2, 30.0), Member(12, 3, 15, 0.5)]
    assert read_members([*(member.line() for member in members), "- 11\n"]) == members[1:]


def test_a_zombie_is_not_running() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    wait_until(lambda: not is_running(child.pid))
    assert child.wait() == 0
