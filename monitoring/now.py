"""Read everything that the page *Now*, the native API and `sluice ps` show, of everything or of an account."""

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
RUNNING_SHOWN = 50
COMING_SHOWN = 50
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


def read_now(scope: Scope, health: Health | None = None) -> NowView:
    """Return everything about the accounts of a scope at this moment.

    `health` has the problems of the installation, for callers that have just read them.
    """
    now = health.at if health else database_now()
    running = list_running(scope, RUNNING_SHOWN + 1)
    coming = list_coming(scope, SOON, COMING_SHOWN + 1)
    return NowView(
        at=now,
        running=running[:RUNNING_SHOWN],
        has_more_running=len(running) > RUNNING_SHOWN,
        coming=coming[:COMING_SHOWN],
        has_more_coming=len(coming) > COMING_SHOWN,
        problems=health.problems if health else list_problems(scope),
        stopped=list_stopped(scope, STOPPED_SHOWN),
    )
