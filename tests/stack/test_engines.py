"""The embedded engines are started, stopped and started again."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from stack import StackError
from stack.folders import locked, socket_folder
from stack.services import Engines, start_engines, supervised
from tests.examples import further


def started_and_stopped(state: Path, statement: str, *, durable: bool = False) -> list[tuple[object, ...]]:
    """Run a statement on engines that stop afterwards; returns its rows."""
    with locked(state) as lock, supervised(state, lock) as processes:
        engines = start_engines(processes, state, {}, durable=durable)
        with psycopg.connect(engines.database_url, autocommit=True) as connection:
            answer = connection.execute(statement)
            return answer.fetchall() if answer.description else []


@further
def test_data_survive_a_stop_and_an_interrupted_first_start(open_folder: Path) -> None:
    (open_folder / "pgdata.new").mkdir()
    (open_folder / "pgdata.new" / "PG_VERSION").write_text("18\n")
    started_and_stopped(open_folder, "create table kept as select 'ä' as letter")
    assert started_and_stopped(open_folder, "select letter, upper(letter) from kept") == [("ä", "Ä")]
    assert not (open_folder / "pgdata.new").exists()


@pytest.mark.large
def test_local_users_need_the_password_also_of_a_cluster_that_trusted_them(open_folder: Path) -> None:
    rules = open_folder / "pgdata" / "pg_hba.conf"
    for _ in range(2):
        with locked(open_folder) as lock, supervised(open_folder, lock) as processes:
            url = urlsplit(start_engines(processes, open_folder, {}, durable=False).database_url)
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(url._replace(netloc=f"{url.username}@:{url.port}").geturl())
        assert (open_folder / "pgdata.password").stat().st_mode & 0o777 == 0o600
        rules.write_text(rules.read_text().replace("scram-sha-256", "trust"))


@pytest.mark.large
def test_engines_run_in_a_folder_with_a_long_and_odd_path(open_folder: Path) -> None:
    state = open_folder / "my mails" / ("x" * 100)
    assert started_and_stopped(state, "show fsync", durable=True) == [("on",)]
    for folder in ("pgdata", "valkey"):
        shutil.rmtree(socket_folder(state / folder))


def test_data_of_another_major_version_are_refused(open_folder: Path) -> None:
    (open_folder / "pgdata").mkdir()
    (open_folder / "pgdata" / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(StackError, match=r"written by PostgreSQL 9\.6"):
        started_and_stopped(open_folder, "select 1")


def test_engines_named_by_the_environment_are_used_and_none_started(tmp_path: Path) -> None:
    environ = {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://cache/1"}
    with locked(tmp_path) as lock, supervised(tmp_path, lock) as processes:
        assert start_engines(processes, tmp_path, environ, durable=True) == Engines(*environ.values())
        assert processes.children == []
