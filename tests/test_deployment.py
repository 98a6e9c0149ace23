"""The Dockerfile and docker-compose.yml, checked without an engine: what they say, and that the very same commands, in
the very same environment and with nothing but what the image holds, deliver mail and stop cleanly."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from batches.models import Node
from config.web.supervisor import KILL_SECONDS
from foundation.clock import Now
from mailer.pipeline.deliver import RECORD_PATIENCE_SECONDS
from stack.processes import Child, Processes, Program, run_to_end
from stack.programs import is_healthy
from stack.running import free_port
from tests.compose import MissingVariable, read_compose, read_example, seconds, variables_in_compose
from tests.conftest import Clock
from tests.image import ROOT, Image, arguments_of, build_image, copied_sources
from tests.peer import CountingPeer
from tests.waiting import wait_until

FILLED_IN = {"SECRET_KEY": "a key for tests only, of no secrecy at all", "POSTGRES_PASSWORD": "secret"}
OURS = ("migrate", "web", "worker", "eta", "audience", "beat")
WORKERS = ("worker", "eta", "audience")
SETTINGS = set(re.findall(r'env\.\w+\(\s*"(\w+)"', (ROOT / "config" / "settings.py").read_text()))
"""The names that the settings read."""


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services = read_compose(FILLED_IN)["services"]
    assert isinstance(services, dict)
    return services


# --- what the files say -----------------------------------------------------------------------------------------------


def test_the_services_are_those_of_the_design(services: dict[str, Any]) -> None:
    assert set(services) == {*OURS, "postgres", "redis", "mailpit"}
    assert services["postgres"]["image"].startswith("postgres:18")
    assert all(services[name]["image"] == "sluice" for name in OURS)


def test_data_outlive_their_containers(services: dict[str, Any]) -> None:
    assert services["postgres"]["volumes"] == ["postgres-data:/var/lib/postgresql"]
    assert services["redis"]["volumes"] == ["redis-data:/data"]
    assert set(read_compose(FILLED_IN)["volumes"]) == {"postgres-data", "redis-data", "web-spool"}


def test_large_bodies_wait_on_disk(services: dict[str, Any]) -> None:
    assert (services["web"]["tmpfs"], services["web"]["volumes"]) == ([], ["web-spool:/tmp"])


def test_redis_keeps_its_hints_on_disk_and_evicts_none(services: dict[str, Any]) -> None:
    command = services["redis"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


@pytest.mark.parametrize("name", WORKERS)
def test_workers_can_be_scaled(services: dict[str, Any], name: str) -> None:
    service = services[name]
    assert not {"container_name", "hostname", "ports"} & service.keys()
    assert service["command"][service["command"].index("-n") + 1] == f"{name}@%h"


def test_every_queue_has_a_worker(services: dict[str, Any]) -> None:
    commands = [services[name]["command"] for name in WORKERS]
    queues = {queue for command in commands for queue in command[command.index("-Q") + 1].split(",")}
    assert queues == {"transactional", "bulk", "eta", "maintenance", "audience"}


def test_nothing_of_ours_starts_before_the_migration_is_done(services: dict[str, Any]) -> None:
    ready = {"condition": "service_healthy"}
    assert services["migrate"]["depends_on"] == {"postgres": ready}
    assert services["migrate"]["restart"] == "no"
    for name in set(OURS) - {"migrate"}:
        done = {"condition": "service_completed_successfully"}
        assert services[name]["depends_on"] == {"postgres": ready, "redis": ready, "migrate": done}
        assert services[name]["restart"] == "unless-stopped"


def test_only_this_machine_reaches_the_ports_unless_told_otherwise(services: dict[str, Any]) -> None:
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:8000:8000"], "mailpit": ["127.0.0.1:8025:8025"]}


def test_health_is_asked_where_it_can_be_answered(services: dict[str, Any]) -> None:
    asked = {name for name, service in services.items() if "healthcheck" in service}
    assert asked == {"postgres", "redis", "web", *WORKERS}
    assert "127.0.0.1" in services["web"]["environment"]["ALLOWED_HOSTS"].split(",")


def test_a_stop_has_the_time_it_may_need(services: dict[str, Any]) -> None:
    shutdown = settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT
    assert seconds(services["worker"]["stop_grace_period"]) > RECORD_PATIENCE_SECONDS + shutdown
    assert all(seconds(services[name]["stop_grace_period"]) > shutdown for name in ("eta", "audience"))
    assert seconds(services["web"]["stop_grace_period"]) > settings.WEB_GRACE_SECONDS + 2 * KILL_SECONDS
    assert all("stop_grace_period" in services[name] for name in ("beat", "postgres", "redis"))
    assert arguments_of("STOPSIGNAL") == ["SIGTERM"]


def test_a_missing_secret_is_named() -> None:
    for name in FILLED_IN:
        given = {other: value for other, value in FILLED_IN.items() if other != name}
        with pytest.raises(MissingVariable, match=rf"{name} must be set in \.env \(see \.env\.example\)"):
            read_compose({**given, name: ""})


def test_every_variable_is_known_to_the_settings(services: dict[str, Any]) -> None:
    for name in OURS:
        assert set(services[name]["environment"]) <= SETTINGS
    assert services["web"]["environment"]["STOP_CUTOFF_SECONDS"] == "600"
    example = read_example()
    assert set(example) <= SETTINGS | variables_in_compose()
    assert variables_in_compose() <= set(example)
    assert not any(example[name] for name in FILLED_IN)


def test_the_image_is_small_pinned_and_not_root() -> None:
    assert {base.split()[0] for base in arguments_of("FROM")} == {"python:3.11-slim"}
    user = arguments_of("USER")[-1].split(":")
    assert all(int(number) > 0 for number in user)
    install = next(rest for rest in arguments_of("RUN") if "pip install" in rest)
    assert "--require-hashes" in install
    assert install.endswith("-r requirements.txt")
    assert "://" not in install


def test_the_builder_gets_what_is_copied_and_nothing_else() -> None:
    patterns = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {pattern[1:] for pattern in patterns if pattern.startswith("!")}
    assert "*" in patterns
    assert let_in == set(copied_sources())
    assert all((ROOT / source).exists() for source in let_in)
    assert not [source for source in let_in if any(fnmatch(source, secret) for secret in (".env", ".state", ".git"))]


# --- what they do -----------------------------------------------------------------------------------------------------


class Deployment:
    """What `docker compose up --scale worker=2` starts, as processes on this machine."""

    def __init__(self, image: Image, services: dict[str, Any], processes: Processes, addresses: dict[str, str]) -> None:
        self.image = image
        self.services = services
        self.processes = processes
        self.addresses = addresses
        self.port = free_port(0)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment_of(self, name: str) -> dict[str, str]:
        """Nothing of this process's own, as in a container; only the addresses are others."""
        from_file = {name: value for name, value in FILLED_IN.items() if name in read_example()}
        return {**self.image.environment, **from_file, **self.services[name]["environment"], **self.addresses}

    def words(self, command: list[str], host: str) -> list[str]:
        """With the address and the host name that the container would have."""
        here = f"127.0.0.1:{self.port}"
        return [re.sub(r"(0\.0\.0\.0|127\.0\.0\.1):8000", here, word).replace("%h", host) for word in command]

    def run(self, name: str, *command: str) -> str:
        """To its end: the service's command, or another one in its place (`docker compose run`)."""
        words = self.words(list(command) or self.services[name]["command"], f"{name}-1")
        return run_to_end(words, environment=self.environment_of(name), folder=self.image.app)

    def start(self, name: str, number: int = 1) -> Child:
        host = f"{name}-{number}"
        command = self.words(self.services[name].get("command", self.image.command), host)
        environment, folder = self.environment_of(name), self.image.app
        return self.processes.launch(
            Program(name=host, command=command, rank=1, environment=environment, folder=folder, grace_seconds=10)
        )

    def check_health(self, name: str, *arguments: str) -> None:
        word, *command = self.services[name]["healthcheck"]["test"]
        assert word == "CMD"
        self.run(name, *command, *arguments)

    def send(self, key: str, recipients: list[str], send_at: int) -> int:
        body = {
            "personalizations": [{"to": [{"email": recipient}]} for recipient in recipients],
            "from": {"email": "sluice@example.com"},
            "subject": "Hello",
            "content": [{"type": "text/plain", "value": "At its time."}],
            "send_at": send_at,
        }
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.base_url}/v3/mail/send", json.dumps(body).encode(), headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
            return int(answer.status)


@pytest.fixture
def database_url() -> Iterator[str]:
    """A fresh database beside the suite's own."""
    url = os.environ["DATABASE_URL"]
    name = f"sluice_deployment_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"drop database if exists {name} with (force)")


@pytest.fixture
def deployment(tmp_path: Path, services: dict[str, Any], database_url: str, peer: CountingPeer) -> Iterator[Deployment]:
    """The image is built; nothing runs yet. Everything is stopped afterwards."""
    redis_url = re.sub(r"(virtual_host=|/)\d+$", r"\g<1>15", os.environ["REDIS_URL"])
    addresses = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SMTP_URL": peer.url}
    processes = Processes(logs=tmp_path / "logs")
    try:
        yield Deployment(build_image(tmp_path / "image"), services, processes, addresses)
    finally:
        processes.stop()


def living_nodes(database_url: str) -> set[str]:
    with psycopg.connect(database_url) as connection:
        return {name for (name,) in connection.execute("select name from batches_node")}


def left_of(children: list[Child]) -> list[str]:
    """Processes of their groups that are still there."""
    listed = subprocess.run(["ps", "axww", "-o", "pgid=,stat=,args="], capture_output=True, text=True, check=True)
    groups = {str(child.process.pid) for child in children}
    rows = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
    return [" ".join(row) for row in rows if row[0] in groups and not row[1].startswith("Z")]


@pytest.mark.xdist_group("whole stack")
def test_the_same_commands_deliver_at_the_time_and_stop_cleanly(deployment: Deployment, peer: CountingPeer) -> None:
    deployment.run("migrate")
    started = [("web", 1), ("worker", 1), ("worker", 2), ("eta", 1), ("beat", 1)]
    children = [deployment.start(name, number) for name, number in started]
    deployment.run("web", "python", "manage.py", "create_account", "ada")
    key = json.loads(deployment.run("web", "python", "manage.py", "create_key", "ada", "--json"))["api_key"]
    wait_for(deployment, lambda: is_healthy(deployment.base_url), "the web")
    nodes = {"worker@worker-1", "worker@worker-2", "eta@eta-1"}
    wait_for(deployment, lambda: living_nodes(deployment.addresses["DATABASE_URL"]) == nodes, "the nodes")
    deployment.check_health("web")
    deployment.check_health("worker", "--host", "worker-2")

    recipients = [f"{name}@example.com" for name in ("ada", "grace", "edsger")]
    send_at = int(time.time()) + 3
    due = time.monotonic() + send_at - time.time()
    assert deployment.send(key, recipients, send_at) == 202
    wait_for(deployment, lambda: len(peer.ledger) == len(recipients), "the mail")
    assert sorted(peer.recipients) == sorted(recipients)
    assert min(taken.at for taken in peer.ledger) >= due - 0.01

    # Inside the planner's horizon: a worker holds its ETA task when it is asked to stop.
    assert deployment.send(key, ["later@example.com"], int(time.time()) + 100) == 202
    for child in children:
        child.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not any(child.is_alive() for child in children), seconds=60, why="the stop")
    assert [(child.program.name, child.process.returncode) for child in children] == [
        (f"{name}-{number}", 0) for name, number in started
    ]
    wait_until(lambda: not left_of(children), why="the end of their children")
    assert len(peer.ledger) == len(recipients)
    for child in children:
        check_log(child.log.read_text(), key)


def wait_for(deployment: Deployment, condition: Any, what: str) -> None:
    def is_met() -> object:
        deployment.processes.check()
        return condition()

    wait_until(is_met, seconds=90, why=what)


def check_log(text: str, key: str) -> None:
    """JSON lines, nothing bad in them, no secret."""
    assert key not in text
    assert FILLED_IN["SECRET_KEY"] not in text
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert {line["level"] for line in lines} <= {"info", "warning"}, text
    assert "Traceback" not in text


def test_a_node_is_alive_while_it_is_seen(clock: Clock) -> None:
    Node.objects.create(name="worker@here", concurrency=2, seen_at=Now())
    call_command("node_alive", host="here")
    with pytest.raises(CommandError, match="No node on there has been seen for 15 s"):
        call_command("node_alive", host="there")
    clock.advance(seconds=16)
    with pytest.raises(CommandError, match="No node on here"):
        call_command("node_alive", host="here")
