"""The README's commands work as pasted, and its table has every variable.

The first command, `./sluice demo`, is excepted: it checks itself, and CI runs it before the suite.
"""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.examples import for_each
from tests.stack.launching import processes_naming
from tests.waiting import wait_until

FACTS = ["base_url", "api_key", "admin_url", "admin_username", "admin_password", "inbox"]
ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
OWN = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "MESSAGE_ID_DOMAIN", "STOP_CUTOFF_SECONDS")


def environment() -> dict[str, str]:
    """Return the environment of a newcomer's terminal, without the test's own stack."""
    return {name: value for name, value in os.environ.items() if name not in OWN and not name.startswith("PYTEST")}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.large
def test_the_five_minutes_work_as_pasted(open_folder: Path) -> None:
    """The test covers the output of `up`, a second copy in the same folder, and that Ctrl-C leaves no process.

    A worker is killed on the way: `up` starts another one, which sends the mail.
    """
    port = str(free_port())
    _, up, *steps = (
        block.replace("8025", port).replace("/tmp/sluice-try", str(open_folder / "try")) for block in BLOCKS
    )
    ready, shown = open_folder / "try.json", ""
    terminal, end = pty.openpty()
    stack = subprocess.Popen(["bash", "-c", f"exec {up.strip()}"], cwd=ROOT, env=environment(), stdout=end)
    os.close(end)
    try:
        wait_until(lambda: ready.exists() or stack.poll() is not None, seconds=120, why="the stack")
        answer = run_as_pasted("\n".join(steps))
        assert "X-Sluice-Settled: true" in answer
        facts = json.loads(ready.read_text())
        assert list(facts) == FACTS
        while "Ctrl-C" not in shown:
            shown += os.read(terminal, 65536).decode()
        assert all(fact in shown for fact in facts.values())
        kill_worker(stack.pid)
        curl = next(line for line in shown.splitlines() if line.startswith("curl"))
        assert "202 Accepted" in run_as_pasted(curl)
        assert "password" in run_as_pasted(f"curl -sf {facts['admin_url']}login/")
        second = subprocess.run(["bash", "-c", up], cwd=ROOT, env=environment(), capture_output=True, text=True)
        assert (second.returncode, "Already running" in second.stderr) == (1, True)
        inbox = Path(facts["inbox"], "new")
        wait_until(lambda: len(list(inbox.iterdir())) == 1, seconds=20, why="the mail")
    finally:
        stack.send_signal(signal.SIGINT)
        assert stack.wait(60) == 0
        os.close(terminal)
    wait_until(lambda: not processes_naming(open_folder), why="every process to be gone")


def kill_worker(launcher: int) -> None:
    """Kill the worker that sends mail."""
    listed = subprocess.run(["ps", "ww", "-o", "pid=,args=", "--ppid", str(launcher)], capture_output=True, text=True)
    (worker,) = (line for line in listed.stdout.splitlines() if "-n worker@%h" in line)
    os.kill(int(worker.split()[0]), signal.SIGKILL)


def run_as_pasted(script: str) -> str:
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{script}"], env=environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.large
def test_the_suite_starts_with_the_command_of_the_readme() -> None:
    done = subprocess.run(
        ["./sluice", "test", "-n", "0", "--collect-only", "-q", "tests/test_docs.py"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    assert "test_docs.py" in done.stdout


def test_the_table_names_every_variable() -> None:
    settings = (ROOT / "config" / "settings.py").read_text() + (ROOT / "config" / "logs.py").read_text()
    read = set(re.findall(r"env\.\w+\(\s*\"(\w+)\"", settings)) | set(re.findall(r"environ\.get\(\"(\w+)\"", settings))
    table = README.split("## Configuration")[1].split("\n## ")[0]
    first_cells = "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", first_cells))
    assert named == read


@for_each("command", ["demo", "up", "test", "check", "chaos", "bench", "doctor"])
def test_every_command_is_named(command: str) -> None:
    assert f"`./sluice {command}" in README
