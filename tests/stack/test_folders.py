"""Test the folders of engines: locks, removal, and where sockets and data are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stack import StackError, folders
from stack.folders import data_folder, is_locked, kept_folder, locked, socket_folder, sweep

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="about running as root")


def test_a_folder_is_held_once(tmp_path: Path) -> None:
    with locked(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(StackError, match=f"pid {os.getpid()}"), locked(tmp_path):
            pass
    assert not is_locked(tmp_path)


def test_a_folder_that_cannot_be_created_is_reported_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="--state"), locked(tmp_path / "file"):
        pass


def test_sweeping_removes_the_folders_of_killed_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "TEMPORARY", tmp_path)
    abandoned, in_use, young, foreign = (tmp_path / f"run-{name}" for name in ("left", "held", "young", "foreign"))
    foreign.mkdir()
    with locked(abandoned):
        pass
    os.utime(abandoned / "lock", (0, 0))
    with locked(in_use):
        os.utime(in_use / "lock", (0, 0))
        with locked(young):
            pass
        sweep("run-")
        assert sorted(tmp_path.iterdir()) == [foreign, in_use, young]


def test_a_folder_is_kept_unless_its_last_run_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "TEMPORARY", tmp_path)
    with kept_folder("tests") as (folder, _):
        (folder / "pgdata").mkdir()
        with pytest.raises(StackError), kept_folder("tests"):
            pass
    with kept_folder("tests") as (folder, _):
        assert sorted(path.name for path in folder.iterdir()) == ["lock", "pgdata"]
    (tmp_path / "tests" / "complete").unlink()  # a killed run leaves none
    with kept_folder("tests") as (folder, _):
        assert [path.name for path in folder.iterdir()] == ["lock"]


def test_a_folder_of_another_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "TEMPORARY", tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tests").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StackError, match="another user"), kept_folder("tests"):
        pass
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("name", ["x" * 90, "my mails", "a?b"])
def test_sockets_of_long_or_odd_folders_go_to_a_short_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    short = socket_folder(tmp_path / name)
    try:
        assert short.parent == Path("/tmp")
        assert short.stat().st_mode & 0o777 == 0o700
        assert socket_folder(tmp_path / name) == short
    finally:
        short.rmdir()


@needs_root
def test_data_below_a_closed_folder_are_stored_elsewhere_and_found_again(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "writable", lambda *_folders: str(open_folder))
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o700)
    data = data_folder(state)
    assert data.is_relative_to(open_folder)
    assert data_folder(state) == data


def test_data_of_an_open_folder_stay_in_it(open_folder: Path) -> None:
    assert data_folder(open_folder) == open_folder / "pgdata"
