"""Read everything that the page *Now*, the native API and `sluice ps` show, about all accounts or about one."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from batches.models import Receipt
from foundation.clock import database_now
from monitoring.coming import Coming, list_coming
from monitoring.problems import Health, Problem, list_problems
from monitoring.running import Running, list_running
from monitoring.scope import Scope
from monitoring.stopped import list_stopped

SOON = dt.timedelta(minutes=60)
LISTED = 50
"""The most rows of running mail, and of coming mail."""
STOPPED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class NowView:
    """A view of what is running, what comes within an hour, what needs a person, and what was stopped within a day.

    `has_more_running` and `has_more_coming` say that a list was cut.
    """

    at: dt.datetime
    running: list[Running]
    has_more_running: bool
    coming: list[Coming]
    has_more_coming: bool
    problems: list[Problem]
    stopped: list[Receipt]


def read_now(scope: Scope, health: Health | None = None, *, limit: int = LISTED) -> NowView:
    """Return everything about the accounts of a scope at this moment.

    `health` has the problems of the installation, for callers that have just read them. `limit` is the most rows of
    running mail, and of coming mail.
    """
    now = health.at if health else database_now()
    running = list_running(scope, limit + 1)
    coming = list_coming(scope, SOON, limit + 1)
    return NowView(
        at=now,
        running=running[:limit],
        has_more_running=len(running) > limit,
        coming=coming[:limit],
        has_more_coming=len(coming) > limit,
        problems=health.problems if health else list_problems(scope),
        stopped=list_stopped(scope, STOPPED_SHOWN),
    )
