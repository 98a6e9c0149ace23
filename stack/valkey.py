"""Run an embedded Valkey (or Redis) on a unix socket, without a TCP port. An append-only file keeps the hints."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

from stack.folders import socket_folder
from stack.processes import Processes, Program

DATABASES = 64
"""The number of databases: one for each test process."""


def start_valkey(processes: Processes, server: Path, folder: Path, *, durable: bool) -> str:
    """Start it on `folder`, and return its REDIS_URL in the form that Celery needs for a socket."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path = socket_folder(folder) / "valkey.sock"
    processes.start(server_program(server, folder, path, durable=durable))
    return f"redis+socket://{path}?virtual_host=0"


def server_program(server: Path, folder: Path, path: Path, *, durable: bool) -> Program:
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(folder),
        "daemonize": "no",
        "save": "",
        "appendonly": "yes" if durable else "no",
        "maxmemory-policy": "noeviction",
        "databases": str(DATABASES),
    }
    return Program(
        name="valkey",
        command=[str(server), *(part for name, value in options.items() for part in (f"--{name}", value))],
        rank=1,
        ready=lambda: answers_ping(path),
        environment={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        folder=folder,
    )


def answers_ping(path: Path) -> bool:
    """Return whether it answers; not while it still reads its file back (-LOADING)."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        connection.connect(str(path))
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith(b"+PONG")
    return False
