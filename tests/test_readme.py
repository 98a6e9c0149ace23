"""The README's commands work as pasted, and its table names every variable there is."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
OWN = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "MESSAGE_ID_DOMAIN", "STOP_CUTOFF_SECONDS")


def environment() -> dict[str, str]:
    """As in a newcomer's terminal: nothing of the test's own stack."""
    return {name: value for name, value in os.environ.items() if name not in OWN and not name.startswith("PYTEST")}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_demo_comes_out_right() -> None:
    (demo,) = (block for block in BLOCKS if "demo" in block)
    done = subprocess.run(
        f"{demo.strip()} --json", shell=True, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=150
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["ok"]
    assert {row["name"]: row["received"] for row in result["batches"]} == {
        row["name"]: row["expected"] for row in result["batches"]
    }
    assert result["stop"]["sent"] == result["stop"]["received_5_seconds_later"]


def test_the_five_minutes_work_as_pasted(tmp_path: Path) -> None:
    _, up, *steps = (
        block.replace("8025", str(free_port_once)).replace("/tmp/sluice-try", str(tmp_path / "try"))
        for free_port_once in [free_port()]
        for block in BLOCKS
    )
    tmp_path.chmod(0o755)
    ready = tmp_path / "try.json"
    stack = subprocess.Popen(
        ["bash", "-c", f"exec {up.strip()}"], cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: ready.exists() or stack.poll() is not None, seconds=120, why="the stack")
        script = "set -euo pipefail\n" + "\n".join(steps)
        done = subprocess.run(["bash", "-c", script], env=environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "X-Sluice-Settled: true" in done.stdout
        inbox = Path(json.loads(ready.read_text())["inbox"])
        wait_until(lambda: len(list((inbox / "new").iterdir())) == 1, seconds=20, why="the mail")
    finally:
        stack.send_signal(signal.SIGINT)
        assert stack.wait(60) == 0


def test_the_suite_can_be_started_as_the_readme_says() -> None:
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


@pytest.mark.parametrize("command", ["demo", "up", "test", "check", "doctor"])
def test_every_command_is_named(command: str) -> None:
    assert f"`./sluice {command}" in README
