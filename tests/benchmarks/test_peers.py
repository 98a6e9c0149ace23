"""The peers of a benchmark are installed, called and counted, with stand-ins that need no network."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.contestants import Unavailable
from benchmarks.peers import bullmq, environments
from benchmarks.peers.programs import Peer, peer_on_redis
from benchmarks.sink import Sink, running_sink
from benchmarks.waves import play
from stack import StackError
from stack.folders import temporary_folder

pytestmark = pytest.mark.large

SCHEDULE = """
import json, os, smtplib, sys, time

print("ready", flush=True)
for line in sys.stdin:
    wanted = json.loads(line)
    print("scheduled", flush=True)
    time.sleep(max(0, wanted["send_at"] - time.time()))
    with smtplib.SMTP("127.0.0.1", int(os.environ["SMTP_PORT"])) as client:
        for n in range(wanted["messages"]):
            client.sendmail("a@example.com", f"r{n}@bench.example", "Hello.")
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
"""
WORKER = """
import os, pathlib, time

pathlib.Path(os.environ["READY_FILE"]).touch()
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "FOLDER", tmp_path / "cache")


@pytest.fixture
def sink_in_folder() -> Iterator[tuple[Path, Sink]]:
    with temporary_folder("sluice-test-peers-") as (folder, _), running_sink(folder) as sink:
        yield folder, sink


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the folder of a peer with the programs above."""
    program = tmp_path / "stand_in" / "program"
    program.mkdir(parents=True)
    (program / "schedule.py").write_text(SCHEDULE)
    (program / "worker.py").write_text(WORKER)
    return program.parent


def test_a_peer_whose_packages_cannot_be_installed_is_unavailable_with_the_reason(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (home / "requirements.txt").write_text("a-package-that-nobody-has==1\n")
    with pytest.raises(Unavailable, match=r"cannot be installed: .*a-package-that-nobody-has"):
        environments.python_environment(home)


def test_without_node_bullmq_is_unavailable(
    sink_in_folder: tuple[Path, Sink], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="node"), bullmq.running(*sink_in_folder):
        pass


def test_an_environment_is_made_once_and_again_only_after_an_interruption_or_a_change(
    tmp_path: Path,
) -> None:
    requirements = tmp_path / "wanted"
    requirements.write_text("one")
    calls: list[Path] = []

    def install(folder: Path, _: Path) -> None:
        calls.append(folder)
        (folder / "installed").touch()
        if len(calls) == 1:
            raise StackError("the network is away")

    with pytest.raises(Unavailable, match="the network is away"):
        environments.made("peer", requirements, install)
    first = environments.made("peer", requirements, install)
    assert environments.made("peer", requirements, install) == first
    assert len(calls) == 2
    requirements.write_text("two")
    second = environments.made("peer", requirements, install)
    assert second != first
    assert (second / "installed").exists()
    assert not first.exists()


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("pip install x failed:\nWARNING: retrying\nERROR: no such thing\nERROR: none at all\n", "no such thing"),
        ("npm install failed:\nnpm error code ENOTFOUND\nnpm error A complete log is in /tmp\n", "code ENOTFOUND"),
        ("node failed:\nno space left\n", "no space left"),
    ],
)
def test_the_reason_is_the_installers_first_complaint(output: str, reason: str) -> None:
    assert environments.reason_in(output) == reason


def test_a_peer_of_two_programs_plays_a_wave_and_its_cpu_time_is_counted(
    home: Path, sink_in_folder: tuple[Path, Sink], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Peer, "rest_seconds", lambda *_: 0.2)
    folder, sink = sink_in_folder
    with peer_on_redis("stand-in", home, folder, sink) as peer:
        start(peer)
        played = play(peer, sink, 20, per_second=1000)
        assert (len(played.latenesses), played.lost, played.doubled, played.early) == (20, 0, 0, 0)
        before = peer.cpu()
        peer.schedule(1, time.time() + 0.1)  # it uses 0.2 s of CPU time before the next line
        peer.schedule(0, time.time())
        used = peer.cpu().since(before)
        assert used.programs > 0.15 > used.engines  # counted in ticks of 10 ms


@pytest.mark.parametrize("before", ["", "print('ready', flush=True); input(); "], ids=["at its start", "when asked"])
def test_the_error_of_a_failed_scheduler_has_its_output(
    before: str, home: Path, sink_in_folder: tuple[Path, Sink]
) -> None:
    (home / "program" / "schedule.py").write_text(f"{before}raise SystemExit('no such queue')")
    with peer_on_redis("stand-in", home, *sink_in_folder) as peer, pytest.raises(StackError, match="no such queue"):
        start_and_ask(peer)


def start(peer: Peer) -> None:
    peer.start_worker([sys.executable, "worker.py"])
    peer.start_scheduler([sys.executable, "schedule.py"])


def start_and_ask(peer: Peer) -> None:
    start(peer)
    peer.schedule(1, time.time())
