"""Test the decisions of `./sluice up` before it starts; tests/test_readme.py runs all of it."""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stack import StackError
from stack.commands import COMMANDS, usage
from stack.first_run import Logins
from stack.running import allowed_hosts, free_port
from stack.up import announcement, welcome


def test_a_busy_port_is_a_sentence() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(StackError, match=f"Port {port} is in use. Choose another one with --port"):
            free_port(port)


def test_this_machine_is_always_an_allowed_host() -> None:
    assert allowed_hosts({}) == "127.0.0.1,localhost"
    assert allowed_hosts({"ALLOWED_HOSTS": "mail.example.com,localhost"}) == "mail.example.com,localhost,127.0.0.1"


def test_output_to_a_log_has_no_secrets(tmp_path: Path) -> None:
    logins = Logins(api_key="SG.key.secret", admin_username="operator", admin_password="a password")
    stack: Any = SimpleNamespace(
        base_url="http://127.0.0.1:8025", state=tmp_path, inbox=tmp_path / "inbox", logins=logins
    )
    shown = announcement(stack, tmp_path / "ready.json")
    assert str(tmp_path / "ready.json") in shown
    assert "SG.key.secret" in welcome(stack)
    assert not any(secret in shown for secret in ("SG.key.secret", "a password"))


def test_the_help_names_the_commands() -> None:
    assert all(name in usage() for name, command in COMMANDS.items() if command.summary)
