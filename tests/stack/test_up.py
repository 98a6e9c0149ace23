"""`./sluice up`, whole and real."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import ROOT, StackError
from stack.commands import COMMANDS, usage
from stack.running import allowed_hosts, free_port

from .launching import Launched, processes_naming, wait_until

FACTS = ["base_url", "api_key", "admin_url", "admin_username", "admin_password", "inbox"]


@pytest.fixture
def up(open_folder: Path) -> Iterator[Launched]:
    launched = Launched(*command(open_folder, "--ready-file", str(open_folder / "ready.json")))
    try:
        launched.wait_for("Ctrl-C stops everything")
        yield launched
    finally:
        launched.close()
        wait_until(lambda: not processes_naming(open_folder))


def command(state: Path, *more: str) -> list[str]:
    return [str(ROOT / "sluice"), "up", "--port", "0", "--state", str(state), *more]


@pytest.mark.xdist_group("up")
def test_up_serves_until_ctrl_c(up: Launched, open_folder: Path) -> None:
    facts = json.loads((open_folder / "ready.json").read_text())
    assert list(facts) == FACTS
    assert answers(f"{facts['base_url']}/healthz")
    assert answers(facts["admin_url"])
    assert Path(facts["inbox"], "new").is_dir()
    assert all(facts[name] in up.shown for name in FACTS)
    if shutil.which("curl"):
        curl = next(line for line in up.shown.splitlines() if line.startswith("curl"))
        assert "202 Accepted" in subprocess.run(curl, shell=True, capture_output=True, text=True).stdout
    second = subprocess.run(command(open_folder), capture_output=True, text=True)
    assert (second.returncode, "Already running" in second.stderr) == (1, True)
    assert up.end("Ctrl-C") == 0
    assert processes_naming(open_folder) == []


def answers(url: str) -> bool:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as answer:
        return bool(answer.status == 200)


def test_a_busy_port_is_a_sentence() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(StackError, match=f"port {port} is in use: choose another with --port"):
            free_port(port)


def test_this_machine_is_always_an_allowed_host() -> None:
    assert allowed_hosts({}) == "127.0.0.1,localhost"
    assert allowed_hosts({"ALLOWED_HOSTS": "mail.example.com,localhost"}) == "mail.example.com,localhost,127.0.0.1"


def test_the_help_names_the_commands() -> None:
    assert all(name in usage() for name, command in COMMANDS.items() if command.summary)
