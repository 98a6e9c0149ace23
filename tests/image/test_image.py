"""The image and the containers of docker-compose.yml do their work in a real engine, and have no other rights."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from stack import ROOT, StackError
from stack.binaries import find_postgresql, find_valkey
from stack.folders import data_folder, temporary_folder
from stack.postgresql import start_postgresql
from stack.processes import Processes, Program
from stack.waiting import signals_interrupt
from tests.compose import read_compose
from tests.image import engine as engines
from tests.image.containers import RELAY, Containers, options_of
from tests.image.engine import Engine
from tests.peer import CountingPeer

pytestmark = pytest.mark.image

BASE = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
LABEL = f"sluice-image-{os.getpid()}"
MEBIBYTE = 1024 * 1024
LARGEST_MEBIBYTES = 142
"""The limit for what the Dockerfile adds to its base image: 134 MB, or 184 MB with pip and all translations."""
WORKERS = {"worker", "eta", "audience", "events"}
RUNNING = ("web", *sorted(WORKERS), "beat")
"""The services that run until they are stopped."""
REQUESTS, PERSONALIZATIONS = 2, 1000
MESSAGES = REQUESTS * PERSONALIZATIONS
MIDST = 300
"""The batch is paused once the peer has this many messages."""
FILLED_IN = {
    "SECRET_KEY": "a key for tests only, of no secrecy at all",
    "POSTGRES_PASSWORD": "unused",
    "REDIS_PASSWORD": "opensesame",
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Create a folder for this module.

    A signal ends the test instead of the process, so that everything is taken down.
    """
    with signals_interrupt(), temporary_folder("sluice-image-") as (path, _):
        yield path


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Engine]:
    """Return the engine that runs here, or start one for this module."""
    running = engines.running_engine()
    if running is not None:
        yield running
        return
    reason = engines.why_no_packages()
    if reason:
        pytest.skip(f"No container engine runs here ({reason}).")
    with engines.started_engine() as started:
        yield started


@pytest.fixture(scope="module")
def image(engine: Engine, folder: Path) -> Iterator[str]:
    """Build the image from the Dockerfile and the files of the checkout."""
    assert BASE is not None
    base = BASE[1] if engine.succeeds("pull", "--quiet", BASE[1]) else local_base(engine, folder)
    try:
        # The network of this machine, since an engine that was started here has none.
        engine.run("build", "--network=host", f"--build-arg=PYTHON_IMAGE={base}", f"--tag={LABEL}", str(ROOT))
        yield LABEL
    finally:
        engine.succeeds("image", "rm", LABEL, *([] if base == BASE[1] else [base]))


def local_base(engine: Engine, folder: Path) -> str:
    """Make a stand-in for the base image where no registry can be reached."""
    reason = engines.why_no_packages()
    if reason:
        pytest.skip(f"The base image cannot be pulled ({reason}).")
    engines.import_tree(engine, f"{LABEL}-base", folder)
    return f"{LABEL}-base"


@pytest.fixture
def peer() -> Iterator[CountingPeer]:
    """Run an SMTP peer that is slow enough for a pause in the middle of a batch."""
    with CountingPeer(delay=0.02) as peer:
        yield peer


@pytest.fixture
def processes(folder: Path) -> Iterator[Processes]:
    """Start the processes that the containers need outside of the engine, and stop them afterwards."""
    processes = Processes(logs=folder / "logs")
    try:
        yield processes
    finally:
        processes.stop()


@pytest.fixture
def database_url(processes: Processes, folder: Path) -> str:
    """Start an embedded PostgreSQL with an empty database at the path that compose's containers use."""
    return start_postgresql(processes, find_postgresql(os.environ), data_folder(folder), durable=False)


@pytest.fixture
def containers(
    engine: Engine, image: str, folder: Path, processes: Processes, database_url: str, peer: CountingPeer
) -> Iterator[Containers]:
    """Create the containers' network with PostgreSQL, Redis and the peer, and without any service of Sluice."""
    database = urlsplit(database_url)
    password = database.password or FILLED_IN["POSTGRES_PASSWORD"]
    services = read_compose({**FILLED_IN, "POSTGRES_PASSWORD": password})["services"]
    targets = {
        5432: Path(parse_qs(database.query)["host"][0]) / ".s.PGSQL.5432",
        6379: start_redis(processes, services["redis"], folder),
        1025: start_relay(processes, folder / "smtp.sock", peer.port),
    }
    containers = Containers(engine, image=image, services=services, folder=folder, label=LABEL)
    try:
        containers.open_network(targets)
        yield containers
    finally:
        containers.remove()


def start_redis(processes: Processes, service: dict[str, Any], folder: Path) -> Path:
    """Start the embedded Valkey with the command of the service; return its socket."""
    path = folder / "redis.sock"
    command = [str(find_valkey(os.environ)), *service["command"][1:]]
    command += ["--port", "0", "--unixsocket", str(path), "--dir", str(folder)]
    processes.start(Program(name="redis", command=command, rank=1, ready=path.exists))
    return path


def start_relay(processes: Processes, path: Path, port: int) -> Path:
    """Lead a unix socket to a port of this machine; return the socket."""
    command = [sys.executable, str(RELAY), f"{path}={port}"]
    processes.start(Program(name="relay", command=command, rank=1, ready=path.exists))
    return path


def test_the_image_holds_the_service_and_nothing_else(engine: Engine, image: str) -> None:
    [details] = json.loads(engine.run("image", "inspect", image))
    assert details["Config"]["User"] == "10001:10001"
    assert details["Config"]["StopSignal"] == "SIGTERM"
    history = engine.run("history", "--human=false", "--format={{.Size}} {{.CreatedBy}}", image)
    ours = history[: history.index("ENV PATH=/venv/bin")].splitlines()[:-1]
    assert sum(int(line.split()[0]) for line in ours) < LARGEST_MEBIBYTES * MEBIBYTE, history

    def find(script: str) -> list[str]:
        return engine.run("run", "--rm", "--network=none", image, "sh", "-c", script).split()

    copied = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    folders = {path.split("/")[0] for path in copied}
    assert set(find("ls -A /app")) == folders - {"requirements.txt"} | {"__pycache__", "staticfiles"}
    assert find("find /app/docs -type f") == ["/app/docs/operations.md"], "the console shows the run books"
    assert find("ls -d /pip ~root/.cache /venv/bin/pip* /venv/lib/python*/site-packages/pip 2>&- || true") == []
    assert find("find /app /venv ! -user root -o ! -type l -perm /022") == []


@pytest.mark.parametrize("name", ["migrate", *RUNNING])
def test_a_container_has_no_rights(engine: Engine, image: str, name: str) -> None:
    service = read_compose(FILLED_IN)["services"][name]
    script = "cat /proc/self/status; touch /tmp/new; touch /app/new 2>&1 || true"
    output = engine.run("run", "--rm", "--network=none", *options_of(service), image, "sh", "-c", script)
    status = dict(line.split(":\t", 1) for line in output.splitlines() if ":\t" in line)
    assert status["Uid"].split() == ["10001"] * 4
    assert {int(status[f"Cap{kind}"], 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}
    assert status["NoNewPrivs"] == "1"
    assert output.splitlines()[-1] == "touch: cannot touch '/app/new': Read-only file system"


def test_containers_deliver_pause_exactly_and_stop_by_themselves(
    containers: Containers, database_url: str, peer: CountingPeer, record_property: Callable[[str, object], None]
) -> None:
    times = [time.monotonic()]
    containers.run("migrate")
    times.append(time.monotonic())
    for name in RUNNING:
        containers.start(name)
    containers.wait_for(containers.is_answering, "the web")
    containers.wait_for(lambda: living_nodes(database_url) == WORKERS, "the workers")
    times.append(time.monotonic())
    for name in ("web", *WORKERS):
        containers.wait_for(partial(containers.is_healthy, name), f"the health of {name}")
    key = json.loads(containers.execute("web", "python", "manage.py", "first_run"))["api_key"]
    assert containers.ask("GET", "/static/admin/css/base.css", key)[0] == 200
    with pytest.raises(StackError, match="AuthenticationError"):
        containers.execute("worker", "python", "-c", "import redis; redis.Redis(host='redis').ping()")

    send_at = int(time.time()) + 8
    due = time.monotonic() + send_at - time.time()
    batch_id = containers.ask("POST", "/v3/mail/batch", key)[1]["batch_id"]
    for number in range(REQUESTS):
        assert schedule(containers, key, addresses(number), send_at, batch_id=batch_id) == 202
    containers.wait_for(lambda: len(peer.ledger) >= MIDST, "mail")
    receipt = settled_receipt(containers, key, f"/sluice/v1/batches/{batch_id}/pause")
    sent = len(peer.ledger)
    assert (receipt["sent"], receipt["stopped"], receipt["in_doubt"]) == (sent, MESSAGES - sent, 0)
    assert MIDST <= sent < MESSAGES
    assert min(taken.at for taken in peer.ledger) >= due - 0.01

    containers.wait_for(lambda: containers.succeeds("worker", "python", "manage.py", "doctor"), "a well installation")
    assert len(peer.ledger) == sent
    settled_receipt(containers, key, f"/sluice/v1/batches/{batch_id}/resume")
    containers.wait_for(lambda: len(peer.ledger) >= MESSAGES, "the rest of the mail")
    assert sorted(peer.recipients) == sorted(address for number in range(REQUESTS) for address in addresses(number))

    # Within the planner's horizon: a worker holds its task when it is asked to stop.
    assert schedule(containers, key, ["later@example.com"], int(time.time()) + 100) == 202
    times.append(time.monotonic())
    containers.stop(*RUNNING)
    times.append(time.monotonic())
    figures = (
        f"image: migrated in {times[1] - times[0]:.1f} s; web and workers at work after {times[2] - times[1]:.1f} s; "
        f"all stopped in {times[4] - times[3]:.1f} s"
    )
    record_property("figures", [figures])
    assert {name: containers.exit_code(name) for name in RUNNING} == dict.fromkeys(RUNNING, 0)
    assert len(peer.ledger) == MESSAGES
    for name in RUNNING:
        check_log(containers.log(name), key)


def living_nodes(database_url: str) -> set[str]:
    """Return the names of the nodes that have ever been seen, without their host."""
    with psycopg.connect(database_url) as connection:
        return {name.split("@")[0] for (name,) in connection.execute("select name from batches_node")}


def addresses(number: int) -> list[str]:
    """Return the recipients of one request."""
    return [f"r{number}-{recipient}@example.com" for recipient in range(PERSONALIZATIONS)]


def schedule(containers: Containers, key: str, recipients: list[str], send_at: int, **fields: str) -> int:
    """Send one request to mail/send; return its status."""
    body = {
        "personalizations": [{"to": [{"email": recipient}]} for recipient in recipients],
        "from": {"email": "sluice@example.com"},
        "subject": "Hello",
        "content": [{"type": "text/plain", "value": "At its time."}],
        "send_at": send_at,
        **fields,
    }
    return containers.ask("POST", "/v3/mail/send", key, body)[0]


def settled_receipt(containers: Containers, key: str, path: str) -> dict[str, Any]:
    """Pause or resume a batch; return the receipt once its counts are exact."""
    status, answer = containers.ask("POST", path, key)
    assert status in {200, 201, 202}, answer
    receipts = [answer["data"]]

    def is_settled() -> bool:
        if not receipts[-1]["settled"]:
            receipts.append(containers.ask("GET", f"/sluice/v1/receipts/{receipts[0]['id']}", key)[1]["data"])
        return bool(receipts[-1]["settled"])

    containers.wait_for(is_settled, "a settled receipt")
    return dict(receipts[-1])


def check_log(text: str, key: str) -> None:
    """Check that a log has JSON lines with nothing bad in them, and no secret anywhere."""
    assert not [secret for secret in (key, FILLED_IN["SECRET_KEY"], FILLED_IN["REDIS_PASSWORD"]) if secret in text]
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert {line["level"] for line in lines} <= {"info", "warning"}, text
    assert "Traceback" not in text
