"""Define the programs of a running stack, in the order of their start. They stop by rank: beat, web, workers, inbox."""

from __future__ import annotations

import contextlib
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from pathlib import Path

from stack.processes import Program

INBOX, WORKERS, WEB, BEAT = 2, 3, 4, 5
"""Ranks above those of the engines: PostgreSQL 0, Valkey 1."""
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")
"""Remote control is off, so workers need not exchange information."""
EVENTS_THREADS = 32
"""The threads that deliver events. A receiver that hangs takes up to four of them for 15 s."""


def inbox_program(folder: Path) -> Program:
    """Return the program of the inbox: its Maildir is `folder/inbox`, and `folder/run/inbox-port` has its port."""
    port_file = ready_file(folder, "inbox-port")
    files = ["--port-file", str(port_file), "--maildir", str(folder / "inbox")]
    return Program(
        name="inbox",
        command=[sys.executable, "-m", "stack.inbox", *files],
        rank=INBOX,
        ready=port_file.exists,
        grace_seconds=5,
    )


def product_programs(folder: Path, port: int, environment: Mapping[str, str]) -> list[Program]:
    """Return the programs that a small production would run on one machine."""
    return [
        worker_program(folder, environment, name="eta", queues="eta,maintenance", processes=2),
        worker_program(folder, environment, name="worker", queues="transactional,bulk", processes=2),
        worker_program(folder, environment, name="audience", queues="audience", processes=1),
        worker_program(folder, environment, name="events", queues="events", processes=EVENTS_THREADS, pool="threads"),
        web_program(port, environment),
        Program(name="beat", command=celery("beat"), rank=BEAT, environment=environment, starts_again=True),
    ]


def worker_program(
    folder: Path, environment: Mapping[str, str], *, name: str, queues: str, processes: int, pool: str = "prefork"
) -> Program:
    """Return the program of a worker. With the pool `threads`, `processes` is the number of threads."""
    ready = ready_file(folder, name)
    size = ["-P", pool, "-c", str(processes)]
    options = ["-Q", queues, *size, "-n", f"{name}@%h", *QUIET, "--include", "stack.worker_ready"]
    return Program(
        name=name,
        command=celery("worker", *options),
        rank=WORKERS,
        ready=ready.exists,
        environment={**environment, "SLUICE_READY_FILE": str(ready)},
        starts_again=True,
    )


def web_program(port: int, environment: Mapping[str, str]) -> Program:
    address = f"127.0.0.1:{port}"
    return Program(
        name="web",
        command=[sys.executable, "-m", "config.web", "--bind", address],
        rank=WEB,
        ready=lambda: is_healthy(f"http://{address}"),
        environment=environment,
        starts_again=True,
    )


def celery(*arguments: str) -> Sequence[str]:
    return [sys.executable, "-m", "celery", "-A", "config", "--quiet", *arguments]


def ready_file(folder: Path, name: str) -> Path:
    """Return a file by which a program says that it is ready; an earlier run's is removed."""
    path = folder / "run" / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    return path


def is_healthy(base_url: str) -> bool:
    """Return whether the web is healthy, without the proxy that the environment may name."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with contextlib.suppress(OSError, HTTPException), opener.open(f"{base_url}/healthz", timeout=5) as answer:
        return bool(answer.status == 200)
    return False
