"""Start the engines of a stack, or use those of DATABASE_URL and REDIS_URL where these are set."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from stack import StackError
from stack.binaries import find_postgresql, find_valkey, read_version
from stack.folders import data_folder, kept_folder, temporary_folder
from stack.postgresql import start_postgresql
from stack.processes import Processes
from stack.valkey import start_valkey


@dataclass(frozen=True)
class Engines:
    database_url: str
    redis_url: str

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment for the programs that use the engines."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}


@contextmanager
def supervised(folder: Path, lock: IO[str]) -> Iterator[Processes]:
    """Supervise processes with their logs under `folder`, and stop them in order at any end of the block."""
    processes = Processes(logs=folder / "logs", lock=lock)
    try:
        yield processes
    finally:
        processes.stop()


def start_engines(processes: Processes, folder: Path, environ: Mapping[str, str], *, durable: bool) -> Engines:
    """Start the engines that `environ` does not name. `durable=False` is for data that nobody needs to keep."""
    database_url = environ.get("DATABASE_URL") or start_postgresql(
        processes, find_postgresql(environ), data_folder(folder), durable=durable
    )
    redis_url = environ.get("REDIS_URL") or start_valkey(
        processes, find_valkey(environ), folder / "valkey", durable=durable
    )
    return Engines(database_url, redis_url)


@contextmanager
def temporary_engines(prefix: str, environ: Mapping[str, str]) -> Iterator[Engines]:
    """Start engines for one run of tests or checks, and remove them completely afterwards."""
    with temporary_folder(prefix) as (folder, lock), supervised(folder, lock) as processes:
        yield start_engines(processes, folder, environ, durable=False)


@contextmanager
def engines_of_tests(environ: Mapping[str, str]) -> Iterator[Engines]:
    """Start engines for one run of the tests, with the cluster of PostgreSQL that an earlier run made.

    The tests keep a migrated database in the cluster, which takes longer to make than most folders of tests run.
    A run beside another one makes a separate cluster and removes it afterwards.
    """
    with ExitStack() as exits:
        try:
            folder, lock = exits.enter_context(kept_folder(name_of_kept_folder(environ)))
        except StackError:
            folder, lock = exits.enter_context(temporary_folder("sluice-test-"))
        processes = exits.enter_context(supervised(folder, lock))
        yield start_engines(processes, folder, environ, durable=False)


def name_of_kept_folder(environ: Mapping[str, str]) -> str:
    """Return a name for each user and each version of PostgreSQL, which cannot read the clusters of the others."""
    version = "none" if environ.get("DATABASE_URL") else read_version(find_postgresql(environ) / "postgres")
    return f"sluice-tests-{os.geteuid()}-{version}"
