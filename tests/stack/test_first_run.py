"""Objects that the first run makes are found again by later runs."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from stack.first_run import logins, secret_key


class FakeManage:
    """A stand-in for manage.py on one database."""

    def __init__(self) -> None:
        self.runs = 0
        self.password = secrets.token_hex(8)

    def __call__(self, command: str) -> str:
        assert command == "first_run"
        self.runs += 1
        return json.dumps({"api_key": f"SG.{self.runs}", "admin_username": "operator", "admin_password": self.password})


def test_a_second_run_finds_the_same(tmp_path: Path) -> None:
    manage = FakeManage()
    first = secret_key(tmp_path), logins(tmp_path, "postgresql://a", manage)
    assert (secret_key(tmp_path), logins(tmp_path, "postgresql://a", manage)) == first
    assert manage.runs == 1
    assert len(first[0]) >= 50
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_logins_belong_to_a_database(tmp_path: Path) -> None:
    here = logins(tmp_path, "postgresql://a", FakeManage())
    there = logins(tmp_path, "postgresql://b", FakeManage())
    assert here.admin_password != there.admin_password
    assert logins(tmp_path, "postgresql://a", FakeManage()) == here
