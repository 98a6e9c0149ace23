"""Distribute the tests to processes: files stay together, and so do files with the same costly beginning.

The first page of the console in a process costs two seconds of CPU, for its templates, and the first process that a
test forks costs three, for the imports of the fork server (tests/forked.py).
"""

from __future__ import annotations

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

TOGETHER = {
    "pages": re.compile(r"tests/(console/|.*_?admin|test_policy|test_roles|campaigns/test_(reach|preview)\.)"),
    "forks": re.compile(
        r"tests/(mailer/test_(doubt|recipients|suspended_worker)|audience/jobs/test_jobs|events/test_misbehaving)\."
    ),
}
"""The groups of files, by their paths from the root. They are long, so they start before other files."""


class FilesTogether(LoadFileScheduling):
    """Give each process one file, or one group of files, at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def scope_of(nodeid: str) -> str:
    """Return the group of a test, or its file."""
    file = nodeid.partition("::")[0]
    return next((group for group, files in TOGETHER.items() if files.match(file)), file)


def starting_place(item: pytest.Item) -> int:
    """Return the key by which a test is sorted: tests of long groups come first."""
    groups = list(TOGETHER)
    scope = scope_of(item.nodeid)
    return groups.index(scope) if scope in groups else len(groups)


def distribute(config: pytest.Config, log: Producer) -> FilesTogether | None:
    """Return the scheduler of the suite. Walks have few files with many tests, which are better dealt one by one."""
    return None if "walk" in config.option.markexpr else FilesTogether(config, log)
