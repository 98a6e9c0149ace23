"""Supervise the web server: load the application once, start the processes, and replace those that end.

On SIGTERM the processes finish the requests under way. The ordinary processes stop first, because they move connections
to the others.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import mmap
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection
from django.urls import get_resolver

from config.web.answers import Application
from config.web.handover import Mailbox
from config.web.kinds import Kind
from config.web.options import options_of
from config.web.server import Server, nothing

log = logging.getLogger(__name__)

BACKLOG: Final = 1024
BEAT: Final = struct.Struct("d")
SILENT_SECONDS: Final = 30.0
"""A process whose loop has not run for this long is killed: something holds the interpreter lock."""
AGAIN_SECONDS: Final = 1.0
"""The least time between two starts of the same process."""
KILL_SECONDS: Final = 2.0
"""The time beyond the grace period after which processes are killed."""
SWITCH_SECONDS: Final = 0.001
"""The seconds for which a thread keeps the interpreter lock while others wait for it (Python's default: 0.005)."""
NICE: Final = {Kind.STOP: 0, Kind.ORDINARY: 4, Kind.LARGE: 10}
"""The nice value of each kind of process: where CPU is short, stops get theirs first and large bodies last."""
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


@dataclass
class Place:
    """The purpose of one process, and its current process id."""

    number: int
    kind: Kind
    pid: int = 0
    started_at: float = float("-inf")


class Supervisor:
    """The processes of one web server."""

    def __init__(self, application: Application, listener: socket.socket, *, ordinary: int) -> None:
        self._application = application
        self._listener = listener
        self._name: tuple[Any, ...] = listener.getsockname()
        self._mailboxes = {kind: Mailbox() for kind in Kind}
        kinds = [*[Kind.ORDINARY] * ordinary, Kind.STOP, Kind.LARGE]
        self._places = [Place(number, kind) for number, kind in enumerate(kinds)]
        self._beats = mmap.mmap(-1, BEAT.size * len(self._places))
        # Children read the end of this pipe when the supervisor ends, even if it is killed.
        self._lifeline, self._life = os.pipe()
        self._waker, self._wakened = os.pipe()
        os.set_blocking(self._wakened, False)
        os.set_blocking(self._waker, False)
        self._is_stopping = False

    def run(self) -> None:
        """Keep all processes running until a signal comes; then stop them."""
        signal.set_wakeup_fd(self._wakened)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in SIGNALS:
            signal.signal(number, self._note_stop)
        while not self._is_stopping:
            for place in self._places:
                if not place.pid and time.monotonic() > place.started_at + AGAIN_SECONDS:
                    self._start(place)
            self._wait()
            self._reap()
            self._kill_silent()
        self._listener.close()
        until = time.monotonic() + settings.WEB_GRACE_SECONDS + KILL_SECONDS
        self._stop([place for place in self._places if place.kind is Kind.ORDINARY], until=until)
        self._stop([place for place in self._places if place.kind is not Kind.ORDINARY], until=until + KILL_SECONDS)

    def _note_stop(self, *_: object) -> None:
        self._is_stopping = True

    def _wait(self) -> None:
        select.select([self._waker], [], [], AGAIN_SECONDS)
        with contextlib.suppress(BlockingIOError):
            os.read(self._waker, 4096)

    def _start(self, place: Place) -> None:
        place.started_at = time.monotonic()
        self._beat(place)
        place.pid = os.fork()
        if not place.pid:
            status = 1
            try:
                self._be(place)
                status = 0
            except BaseException:
                log.exception("web process failed")
            finally:
                sys.stderr.flush()
                os._exit(status)

    def _be(self, place: Place) -> None:
        """Run the server of a child process to its end."""
        os.close(self._life)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        listener = self._listener if place.kind is Kind.ORDINARY else None
        if not listener:
            self._listener.close()
        sys.setswitchinterval(SWITCH_SECONDS)
        os.nice(NICE[place.kind])
        server = Server(
            self._application,
            place.kind,
            options_of(place.kind),
            self._mailboxes,
            listener=listener,
            name=self._name,
        )
        for number in SIGNALS:
            signal.signal(number, lambda *_: server.ask_to_stop())
        if self._is_stopping:
            # The signal came before these handlers were set.
            server.ask_to_stop()
        first = connect if place.kind is Kind.STOP else nothing
        server.run(lifeline=self._lifeline, beat=lambda: self._beat(place), first=first)
        store_hits()

    def _beat(self, place: Place) -> None:
        BEAT.pack_into(self._beats, place.number * BEAT.size, time.monotonic())

    def _reap(self) -> None:
        for place in self._places:
            if place.pid and (ended := os.waitpid(place.pid, os.WNOHANG))[0]:
                place.pid = 0
                if not self._is_stopping:
                    log.warning("web process ended (%s, wait status %s) and is replaced", place.kind.value, ended[1])

    def _kill_silent(self) -> None:
        for place in self._places:
            (beat,) = BEAT.unpack_from(self._beats, place.number * BEAT.size)
            if place.pid and time.monotonic() > beat + SILENT_SECONDS:
                log.error("web process (%s) has been stuck for %s s and is killed", place.kind.value, SILENT_SECONDS)
                os.kill(place.pid, signal.SIGKILL)

    def _stop(self, places: Sequence[Place], *, until: float) -> None:
        for place in places:
            if place.pid:
                os.kill(place.pid, signal.SIGTERM)
        while living := [place for place in places if place.pid]:
            if time.monotonic() > until:
                for place in living:
                    os.kill(place.pid, signal.SIGKILL)
            self._wait()
            self._reap()


def connect() -> None:
    """Open this thread's database connection before it is needed: later PostgreSQL may have no free one."""
    try:
        connection.ensure_connection()
    except DatabaseError:
        log.warning("database unavailable: a thread for stops has no connection yet")


def store_hits() -> None:
    """Store the opens and clicks that this process has noted."""
    # Imported late: it loads the models.
    from mailer.tracking import hits

    hits.finish()


def load_application() -> Application:
    """Return the application, with everything imported that requests need."""
    # Imported late: it loads the models.
    from config.wsgi import application

    # Imports the views.
    _ = get_resolver().url_patterns
    read_content_types()
    # For the reason that config.wsgi gives.
    gc.collect()
    gc.freeze()
    return application


def read_content_types() -> None:
    """Read the content types, which Django keeps, so that no page of the admin has to read that of its model.

    Without a database the pages read them when they need them.
    """
    # Imported late: it loads the models.
    from django.contrib.contenttypes.models import ContentType

    with contextlib.suppress(DatabaseError):
        ContentType.objects.get_for_models(*apps.get_models())
    # Forked processes cannot share a session.
    connection.close()


def raise_open_files() -> None:
    """Raise the limit of open files as far as the system allows: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def bind(address: str) -> socket.socket:
    """Return a listening socket for `host:port`. Raises OSError, and ValueError for a malformed address."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, int(port)))
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def main(arguments: Sequence[str]) -> int:
    """Run the web server. Return 0 after a stop, 1 if it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m config.web", description=__doc__)
    parser.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT", help="default 127.0.0.1:8000")
    options = parser.parse_args(arguments)
    application = load_application()
    raise_open_files()

    try:
        listener = bind(options.bind)
    except (OSError, ValueError) as error:
        log.error("cannot listen on %s: %s", options.bind, error)
        return 1
    log.info("listening on %s", options.bind)
    Supervisor(application, listener, ordinary=settings.WEB_PROCESSES).run()
    return 0
