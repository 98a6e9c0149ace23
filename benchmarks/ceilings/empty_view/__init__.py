"""Serve a view of Django that only commits one row, with the server, the settings and the middleware of Sluice."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import psycopg

from benchmarks.ceilings import queries
from benchmarks.http_load import prepare, requests_per_second
from benchmarks.sink import Sink
from stack.folders import locked
from stack.processes import await_ready
from stack.programs import web_program
from stack.running import free_port
from stack.services import start_engines, supervised

MOST = 5000
"""The largest number of requests, so that it takes a few seconds."""
SETTINGS = "benchmarks.ceilings.empty_view.settings"


def measure(folder: Path, sink: Sink, messages: int) -> float:
    """Return the requests a second of an empty view, with durable engines and a server in `folder`."""
    folder = folder / "ceiling"
    requests = [prepare("POST", "/commit")] * min(messages, MOST)
    with locked(folder) as lock, supervised(folder, lock) as processes:
        engines = start_engines(processes, folder, os.environ, durable=True)
        with psycopg.connect(engines.database_url, autocommit=True) as connection:
            connection.execute(queries.DROP_COMMITS)
            connection.execute(queries.MAKE_COMMITS)
            port = free_port(0)
            overrides = {"DJANGO_SETTINGS_MODULE": SETTINGS, "SECRET_KEY": secrets.token_hex(32), "DEBUG": "false"}
            await_ready(processes.launch(web_program(port, {**os.environ, **engines.environment, **overrides})))
            requests_per_second(port, requests[: len(requests) // 10])
            measured = requests_per_second(port, requests)
            connection.execute(queries.DROP_COMMITS)
            return measured
