"""Distribute the tests to processes: files stay together, and so do files with the same costly beginning.

The first page of the console in a process costs two seconds of CPU, for its templates, and the first process that a
test forks costs three, for the imports of the fork server (tests/forked.py). The tests in a browser, those of the image
and those with mail servers each share programs that take longer to start.
"""

from __future__ import annotations

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

TOGETHER = {
    "browser": re.compile("tests/browser/"),
    "image": re.compile("tests/image/"),
    "pages": re.compile(r"tests/(console/|.*_?admin|test_policy|test_roles|campaigns/test_(reach|preview)\.)"),
    "mta": re.compile("tests/mta/"),
    "forks": re.compile(
        r"tests/(mailer/test_(doubt|recipients|suspended_worker)|audience/jobs/test_jobs|events/test_misbehaving)\."
    ),
}
"""The groups of files, by their paths from the root. They are long, so they start before other files."""
LONG = (
    "tests/chaos/test_course.py",
    "tests/benchmarks/test_command.py",
    "tests/test_readme.py",
    "tests/stack/test_command_line.py",
    "tests/api/test_conformance.py",
    "tests/test_consuming.py",
    "tests/api/test_characters.py",
    "tests/benchmarks/test_waves.py",
    "tests/test_regexes.py",
    "tests/mailer/outcomes/test_random_histories.py",
    "tests/mailer/test_machine.py",
)
"""The longest files without a group, which start next."""
ORDER = (*TOGETHER, *LONG)


class FilesTogether(LoadFileScheduling):
    """Give each process one file, or one group of files, at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def scope_of(nodeid: str) -> str:
    """Return the group of a test, or its file."""
    file = nodeid.partition("::")[0]
    return next((group for group, files in TOGETHER.items() if files.match(file)), file)


def starting_place(item: pytest.Item) -> int:
    """Return the key by which a test is sorted: the longest groups and files come first."""
    scope = scope_of(item.nodeid)
    return ORDER.index(scope) if scope in ORDER else len(ORDER)


def distribute(config: pytest.Config, log: Producer) -> FilesTogether | None:
    """Return the scheduler. Walks alone are few files with many tests, which are better dealt one by one."""
    return None if config.option.markexpr == "walk" else FilesTogether(config, log)
