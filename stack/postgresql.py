"""Run an embedded PostgreSQL: a cluster in a folder, and a unix socket in another folder, without a TCP port.

The socket's folder is closed to other users (0700). For root the server runs as the user `nobody`, which other programs
may use as well. Therefore it also requires a password, which is stored beside the cluster.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from stack import StackError
from stack.binaries import copy_for_nobody, read_version
from stack.first_run import write_private
from stack.folders import as_nobody, give_away, socket_folder
from stack.processes import Child, Processes, Program, describe_end, run_to_end
from stack.waiting import wait_until

NAME = "sluice"
PORT = 5432
"""A part of the socket's name. Every connection names it, so that a PGPORT in the environment has no effect."""
CLEAN = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "max_connections": "200",
    "shared_buffers": "128MB",
    "log_timezone": "UTC",
}
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
"""The options for data that may be lost, as in tests and in the demo."""
RETRY_SECONDS = 15.0
LEFTOVERS = ("postmaster.pid", "shared memory")
"""The words in the log when a killed server is not completely gone yet."""


def start_postgresql(processes: Processes, binaries: Path, data: Path, *, durable: bool) -> str:
    """Start it on `data` with the database `sluice`, which are made if they are missing. Return its DATABASE_URL."""
    binaries, version = usable_binaries(binaries)
    if data.exists():
        check_version(data, version)
    else:
        make_cluster(binaries, data, version, durable=durable)
    sockets = socket_folder(data)
    give_away(sockets)
    start_server(processes, server_program(binaries, data, sockets, durable=durable), data)
    password = read_password(data)
    require_password(sockets, data, password)
    make_database(sockets, password)
    return f"postgresql://{NAME}:{password}@:{PORT}/{NAME}?host={quote(str(sockets), safe='/')}"


def usable_binaries(binaries: Path) -> tuple[Path, str]:
    """Return binaries that the user of PostgreSQL can run, and their version."""
    version = read_version(binaries / "postgres")
    try:
        read_version(binaries / "postgres", as_nobody())
    except (PermissionError, subprocess.CalledProcessError):
        binaries = copy_for_nobody(binaries, version)
    return binaries, version


def check_version(data: Path, version: str) -> None:
    """Refuse data of another major version, which this server cannot read."""
    data_version, server_version = (data / "PG_VERSION").read_text().strip(), version.split(".")[0]
    if data_version != server_version:
        raise StackError(
            f"{data} was written by PostgreSQL {data_version}, and this is PostgreSQL {version}. Dump it with the old "
            f"version and restore it with the new one, or start with an empty folder (--state)."
        )


def make_cluster(binaries: Path, data: Path, version: str, *, durable: bool) -> None:
    """Make a cluster under another name first, so that an interrupted start leaves nothing like a cluster."""
    fresh = data.with_name(data.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700, parents=True)
    give_away(fresh)
    command = [str(binaries / "initdb"), "-D", str(fresh), "-U", NAME, "-A", "trust", "--encoding=UTF8", "--locale=C"]
    if int(version.split(".")[0]) >= 17:
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    if not durable:
        command.append("--no-sync")
    run_to_end(command, environment=CLEAN, run_as=as_nobody(), folder=Path("/"))
    fresh.rename(data)


def server_program(binaries: Path, data: Path, sockets: Path, *, durable: bool) -> Program:
    settings = {**SETTINGS, **({} if durable else CARELESS), "unix_socket_directories": f'"{sockets}"'}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Program(
        name="postgresql",
        command=[str(binaries / "postgres"), "-D", str(data), *options],
        rank=0,
        # SIGINT stops it in mode `fast`, which ends sessions. SIGTERM waits for them, which is right when the kernel
        # ends all programs at once.
        stop_signal=signal.SIGINT,
        orphan_signal=signal.SIGTERM,
        environment=CLEAN,
        folder=Path("/"),
        run_as=as_nobody(),
    )


def start_server(processes: Processes, program: Program, data: Path) -> None:
    """Start the server in several tries: after kill -9 the lock file of the old server exists for another second."""
    deadline = time.monotonic() + RETRY_SECONDS
    while True:
        child = try_server(processes, program, data)
        if child.is_alive():
            return
        processes.forget(child)
        if time.monotonic() > deadline or not any(sign in child.tail() for sign in LEFTOVERS):
            raise StackError(describe_end(child))
        time.sleep(0.5)


def try_server(processes: Processes, program: Program, data: Path) -> Child:
    """Start the server and wait until it is ready or has ended.

    The time limit is long, since recovery after a crash takes time.
    """
    child = processes.launch(program)
    wait_until(lambda: is_ready(child, data) or not child.is_alive(), seconds=300, what=f"PostgreSQL ({child.log})")
    return child


def is_ready(child: Child, data: Path) -> bool:
    """Return whether our PID is on the first line of the PID file and "ready" on the eighth, as pg_ctl does."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(child.process.pid) and lines[7].strip() == "ready"


def read_password(data: Path) -> str:
    """Return the password of the cluster in `data`, made at the first call and readable by this user only."""
    path = data.with_name(data.name + ".password")
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return str(json.loads(path.read_text()))


def require_password(sockets: Path, data: Path, password: str) -> None:
    """Make a cluster that trusts every local user ask for the password.

    `initdb` makes it so, and dying here is safe: the next start finds it so, too.
    """
    rules = data / "pg_hba.conf"
    text = rules.read_text()
    trusting = re.compile(r"(?m)^((?:local|host)\b.*)\btrust$")
    if not trusting.search(text):
        return
    with connect(sockets, password) as connection:
        connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(NAME), sql.Literal(password)))
        rules.write_text(trusting.sub(r"\1scram-sha-256", text))
        connection.execute("select pg_reload_conf()")


def make_database(sockets: Path, password: str) -> None:
    """Make the database `sluice` unless it exists."""
    with connect(sockets, password) as connection:
        if connection.execute("select 1 from pg_database where datname = %s", [NAME]).fetchone() is None:
            connection.execute(f"create database {NAME}")


def connect(sockets: Path, password: str) -> psycopg.Connection:
    """Connect to the server's own database."""
    return psycopg.connect(
        host=str(sockets), port=PORT, user=NAME, password=password, dbname="postgres", autocommit=True
    )
