"""Test the contents of the Dockerfile and of docker-compose.yml. Tests in an engine are in tests/image/."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from batches.models import Node
from config.web.supervisor import KILL_SECONDS
from foundation.clock import Now
from mailer.pipeline.deliver import RECORD_PATIENCE_SECONDS
from stack import ROOT
from tests.compose import MissingVariable, read_compose, read_example, seconds, variables_in_compose
from tests.conftest import Clock

FILLED_IN = {
    "SECRET_KEY": "a key for tests only, of no secrecy at all",
    "POSTGRES_PASSWORD": "secret",
    "REDIS_PASSWORD": "opensesame",
}
OURS = ("migrate", "web", "worker", "eta", "audience", "events", "beat")
WORKERS = ("worker", "eta", "audience", "events")
SETTINGS = set(re.findall(r'env\.\w+\(\s*"(\w+)"', (ROOT / "config" / "settings.py").read_text()))
"""The names of the variables that the settings read."""


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services = read_compose(FILLED_IN)["services"]
    assert isinstance(services, dict)
    return services


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


def test_redis_requires_a_password(services: dict[str, Any]) -> None:
    password = FILLED_IN["REDIS_PASSWORD"]
    command = services["redis"]["command"]
    assert command[command.index("--requirepass") + 1] == password
    assert services["redis"]["environment"]["REDISCLI_AUTH"] == password
    assert {services[name]["environment"]["REDIS_URL"] for name in OURS} == {f"redis://:{password}@redis:6379/0"}


def test_only_workers_reach_the_mail_server_and_only_the_web_is_reached(services: dict[str, Any]) -> None:
    networks = {name: service["networks"] for name, service in services.items()}
    assert networks.pop("web") == ["backend", "frontend"]
    assert networks.pop("worker") == ["backend", "mail"]
    assert networks.pop("events") == ["backend", "receivers"]
    assert networks.pop("mailpit") == ["mail"]
    assert set(map(tuple, networks.values())) == {("backend",)}
    assert read_compose(FILLED_IN)["networks"] == {
        "backend": {"internal": True},
        **dict.fromkeys(("frontend", "mail", "receivers")),
    }


@pytest.mark.parametrize("name", WORKERS)
def test_workers_can_be_scaled(services: dict[str, Any], name: str) -> None:
    service = services[name]
    assert not {"container_name", "hostname", "ports"} & service.keys()
    assert service["command"][service["command"].index("-n") + 1] == f"{name}@%h"


def test_every_queue_has_a_worker(services: dict[str, Any]) -> None:
    commands = [services[name]["command"] for name in WORKERS]
    queues = {queue for command in commands for queue in command[command.index("-Q") + 1].split(",")}
    assert queues == {"transactional", "bulk", "eta", "maintenance", "audience", "events"}


def test_nothing_of_ours_starts_before_the_migration_is_done(services: dict[str, Any]) -> None:
    ready = {"condition": "service_healthy"}
    assert services["migrate"]["depends_on"] == {"postgres": ready}
    assert services["migrate"]["restart"] == "no"
    for name in set(OURS) - {"migrate"}:
        done = {"condition": "service_completed_successfully"}
        assert services[name]["depends_on"] == {"postgres": ready, "redis": ready, "migrate": done}
        assert services[name]["restart"] == "unless-stopped"


def test_only_this_machine_reaches_the_ports_by_default(services: dict[str, Any]) -> None:
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:8000:8000"], "mailpit": ["127.0.0.1:8025:8025"]}


def test_health_checks_are_on_services_that_can_answer(services: dict[str, Any]) -> None:
    checked = {name for name, service in services.items() if "healthcheck" in service}
    assert checked == {"postgres", "redis", "web", *WORKERS}
    assert "127.0.0.1" in services["web"]["environment"]["ALLOWED_HOSTS"].split(",")


def test_a_stop_has_the_time_it_may_need(services: dict[str, Any]) -> None:
    shutdown = settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT
    assert seconds(services["worker"]["stop_grace_period"]) > RECORD_PATIENCE_SECONDS + shutdown
    assert all(seconds(services[name]["stop_grace_period"]) > shutdown for name in ("eta", "audience", "events"))
    assert seconds(services["web"]["stop_grace_period"]) > settings.WEB_GRACE_SECONDS + 2 * KILL_SECONDS
    assert all("stop_grace_period" in services[name] for name in ("beat", "postgres", "redis"))


def test_a_missing_secret_is_named() -> None:
    for name in FILLED_IN:
        variables = {other: value for other, value in FILLED_IN.items() if other != name}
        with pytest.raises(MissingVariable, match=rf"{name} must be set in \.env \(see \.env\.example\)"):
            read_compose({**variables, name: ""})


def test_every_variable_is_known_to_the_settings(services: dict[str, Any]) -> None:
    for name in OURS:
        assert set(services[name]["environment"]) <= SETTINGS
    assert services["web"]["environment"]["STOP_CUTOFF_SECONDS"] == "600"
    example = read_example()
    assert set(example) <= SETTINGS | variables_in_compose()
    assert variables_in_compose() <= set(example)
    assert not any(example[name] for name in FILLED_IN)


def test_every_image_is_pinned_by_its_digest(services: dict[str, Any]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    [base] = re.findall(r"^ARG PYTHON_IMAGE=(.*)$", dockerfile, re.MULTILINE)
    assert {name.split()[0] for name in re.findall(r"^FROM (.*)$", dockerfile, re.MULTILINE)} == {"${PYTHON_IMAGE}"}
    others = [service["image"] for name, service in services.items() if name not in OURS]
    for image in (base, *others):
        assert re.fullmatch(r"[a-z/]+:[a-z0-9.-]+@sha256:[0-9a-f]{64}", image), image


def test_a_node_is_alive_while_it_is_seen(clock: Clock) -> None:
    Node.objects.create(name="worker@here", concurrency=2, seen_at=Now())
    call_command("node_alive", host="here")
    with pytest.raises(CommandError, match="No node on there has been seen for 15 s"):
        call_command("node_alive", host="there")
    clock.advance(seconds=16)
    with pytest.raises(CommandError, match="No node on here"):
        call_command("node_alive", host="here")


def test_the_builder_of_the_image_gets_every_app_and_copies_it() -> None:
    apps = {app for app in settings.INSTALLED_APPS if (ROOT / app).is_dir()} | {"api", "config", "monitoring"}
    copied = set(re.findall(r"^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    sent = set(re.findall(r"^!(\w+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert copied == sent == apps
