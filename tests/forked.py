"""Fork processes of the product that tests suspend or kill.

They are forked from a server that has imported the product, since the imports take longer than most tests.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

from django.conf import settings
from django.db import connection

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.preloaded"])


class Forked:
    """A process that runs beside a test."""

    def __init__(self, process: BaseProcess) -> None:
        self.process = process

    def send_signal(self, number: signal.Signals) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """Kill the process and wait until it has ended."""
        self.process.kill()
        self.process.join(10)
        assert not self.process.is_alive()


@contextmanager
def forked(target: Callable[..., None], *arguments: Any) -> Iterator[Forked]:
    """Call a function in a process that uses this test's database; kill it at the end if it still runs."""
    name = connection.settings_dict["NAME"]
    process = Forked(FORKS.Process(target=use_database, args=(name, target, arguments), daemon=True))
    process.process.start()
    try:
        yield process
    finally:
        process.kill()


def use_database(name: str, target: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """Call a function in a forked process, with the database of this name."""
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
    target(*arguments)
