"""Test the groups of files that one process runs (tests/scheduling.py)."""

from __future__ import annotations

import re
from pathlib import Path

from tests.scheduling import LONG, TOGETHER, scope_of

FORKS = re.compile(r"^from tests\.(worker_process|forked) import", re.MULTILINE)
ROOT = Path(__file__).parent.parent
FILES = {
    str(file.relative_to(ROOT)): file.read_text()
    for file in (ROOT / "tests").rglob("test_*.py")
    if file != Path(__file__)
}


def test_every_group_has_files_and_the_others_are_alone() -> None:
    groups = {file: scope_of(f"{file}::test_name[1-2]") for file in FILES}
    assert {group for file, group in groups.items() if group != file} == set(TOGETHER)
    assert groups["tests/console/test_stop.py"] == groups["tests/mailer/test_admin_listing.py"] == "pages"
    assert groups["tests/mailer/test_record.py"] == "tests/mailer/test_record.py"


def test_the_long_files_are_there_and_have_no_group() -> None:
    assert [scope_of(f"{file}::test_name") for file in LONG if file in FILES] == list(LONG)


def test_all_files_that_fork_are_in_one_group() -> None:
    forking = {name for name, text in FILES.items() if FORKS.search(text)}
    assert forking
    assert {scope_of(name) for name in forking} == {"forks"}
