"""A worker in a separate process, to be suspended or killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from tests.peer import CountingPeer


@contextmanager
def worker_process(
    peer: CountingPeer, *, connections: int = 1, deadline_seconds: float = 0.5
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that delivers this test's due mail to the peer; kill it at the end if it still runs."""
    command = [sys.executable, "-m", "tests.worker_process", peer.url, str(connections), str(deadline_seconds)]
    process = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": database_url()}, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def database_url() -> str:
    """Return the URL of the database that this test uses."""
    database = connection.settings_dict
    place = f"?host={database['HOST']}" if database["HOST"].startswith("/") else ""
    host = "" if place else f"{database['HOST']}:{database['PORT'] or 5432}"
    user = ":".join(filter(None, (database["USER"], database["PASSWORD"])))
    return f"postgresql://{user}@{host}/{database['NAME']}{place}"


def main() -> None:
    """Deliver until killed."""
    import django
    from django.conf import settings

    url, connections, deadline = sys.argv[1:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    settings.SLICE_DEADLINE_SECONDS = float(deadline)
    from mailer.pipeline.deliver import Deliverer
    from mailer.pipeline.guard import SliceGuard
    from mailer.transports.base import Signal
    from mailer.transports.smtp import SmtpAddress, SmtpTransport

    transport = SmtpTransport(SmtpAddress.parse(url), connections=int(connections), timeout_seconds=10)
    # Only the deadline remains: the poll of the gate in the middle of a slice is another guard.
    SliceGuard.poll = lambda _: Signal.GO_ON  # type: ignore[method-assign]
    deliverer = Deliverer(transport)
    print("ready", flush=True)  # noqa: T201
    while True:
        deliverer.deliver_due(seconds=1)


if __name__ == "__main__":
    main()
