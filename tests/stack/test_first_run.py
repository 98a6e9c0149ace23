"""What the first run makes, later runs find again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from stack import StackError
from stack.first_run import logins, secret_key


class FakeManage:
    """Stands for manage.py on one database."""

    def __init__(self) -> None:
        self.operators: set[str] = set()
        self.keys = 0

    def __call__(self, command: str, *_arguments: str, environment: Mapping[str, str] | None = None) -> str:
        if command == "createsuperuser":
            username = (environment or {})["DJANGO_SUPERUSER_USERNAME"]
            if username in self.operators:
                raise StackError("That username is already taken.")
            self.operators.add(username)
        if command == "create_key":
            self.keys += 1
        return json.dumps({"api_key": f"SG.{self.keys}", "api_key_id": "x"})


def test_a_second_run_finds_the_same(tmp_path: Path) -> None:
    manage = FakeManage()
    first = secret_key(tmp_path), logins(tmp_path, "postgresql://a", manage)
    assert (secret_key(tmp_path), logins(tmp_path, "postgresql://a", manage)) == first
    assert manage.keys == 1
    assert len(first[0]) >= 50
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_logins_belong_to_a_database(tmp_path: Path) -> None:
    here = logins(tmp_path, "postgresql://a", FakeManage())
    there = logins(tmp_path, "postgresql://b", FakeManage())
    assert here.admin_password != there.admin_password
    assert logins(tmp_path, "postgresql://a", FakeManage()) == here


def test_an_operator_of_another_folder_is_left_alone(tmp_path: Path) -> None:
    manage = FakeManage()
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        made = logins(tmp_path / folder, "postgresql://a", manage)
    assert made.admin_username.startswith("operator-")
    assert len(manage.operators) == 2
