"""A worker takes tasks again after Redis died, whatever the worker was doing, or ends so that it is started again."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.worker import state
from django.conf import settings
from kombu import Connection
from redis import ConnectionError as RedisConnectionError

from config.consuming import CHECK_SECONDS, EXIT_CODE, PATIENCE_SECONDS, Watch
from events.webhooks import lanes
from foundation.redis_client import client_for
from stack.binaries import find_valkey
from stack.folders import locked
from stack.processes import Processes
from stack.programs import QUIET
from stack.services import supervised
from stack.valkey import server_program
from tests.database import database_url
from tests.waiting import wait_until

QUEUE = "audience"
WATCHED = "watched"
CHECKS = int(PATIENCE_SECONDS / CHECK_SECONDS)
NO_REDIS = "redis+socket:///nonexistent/redis.sock?virtual_host=0"


class Broker:
    """A Valkey that can be killed."""

    def __init__(self, processes: Processes, folder: Path) -> None:
        socket = folder / "valkey.sock"
        self.folder = folder
        self.url = f"redis+socket://{socket}?virtual_host=0"
        self._processes = processes
        self._program = server_program(find_valkey(os.environ), folder, socket, durable=False)
        self.start()

    def start(self) -> None:
        self._child = self._processes.start(self._program)

    def kill(self) -> None:
        self._child.process.kill()
        self._processes.forget(self._child)

    def publish(self, name: str) -> Path:
        """Publish a task that creates the file it returns, and ends when `end` was called for it."""
        file = self.folder / name
        with Celery(broker=self.url, set_as_current=False) as app:
            app.send_task("tests.hold", [str(file), str(file.with_suffix(".end"))], queue=QUEUE)
        return file


def end(task: Path) -> None:
    task.with_suffix(".end").touch()


@pytest.fixture
def broker(open_folder: Path) -> Iterator[Broker]:
    with locked(open_folder) as lock, supervised(open_folder, lock) as processes:
        yield Broker(processes, open_folder)


@contextmanager
def worker(broker: Broker, pool: str, *modules: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker with one process, or one thread. Its log is `worker.log`."""
    includes = ",".join(["tests.broker_tasks", *modules])
    options = ["-Q", QUEUE, "-P", pool, "-c", "1", "-n", "audience@test", *QUIET, "--include", includes]
    with (broker.folder / "worker.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "config", "--quiet", "worker", *options],
            env={**os.environ, "DATABASE_URL": database_url(), "REDIS_URL": broker.url, "CELERY_SKIP_CHECKS": "true"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


def reconnect(broker: Broker) -> None:
    """Let Redis die while the worker has no task, and wait until the worker is connected again."""
    log = broker.folder / "worker.log"
    wait_until(lambda: " ready." in log.read_text(), seconds=60, why="the worker")
    broker.kill()
    broker.start()
    wait_until(lambda: log.read_text().count("Connected to") == 2, seconds=60, why="a new connection")


def lose_acknowledgement(broker: Broker) -> None:
    """Let Redis die while the worker is busy, and let the task end before Redis is back."""
    log = broker.folder / "worker.log"
    task = broker.publish("first")
    wait_until(task.exists, seconds=60, why="a task")
    broker.kill()
    end(task)
    wait_until(lambda: "Couldn't ack" in log.read_text(), seconds=60, why="an acknowledgement that fails")
    broker.start()


def test_a_message_whose_acknowledgement_or_rejection_fails_does_not_occupy_the_worker(broker: Broker) -> None:
    with Connection(broker.url) as connection:
        channel = connection.channel()
        channel.basic_qos(0, 2, False)
        queue = connection.SimpleQueue(QUEUE, channel=channel)
        for _ in range(2):
            queue.put("message")
        messages = [queue.get(timeout=5) for _ in range(2)]
        assert not channel.qos.can_consume()
        broker.kill()
        for fail in messages[0].ack, messages[1].requeue:
            with pytest.raises(RedisConnectionError):
                fail()
        assert channel.qos.can_consume_max_estimate() == 2


@pytest.mark.large
@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_busy_worker_takes_tasks_again_after_redis_was_killed(database: None, broker: Broker, pool: str) -> None:
    with worker(broker, pool):
        lose_acknowledgement(broker)
        task = broker.publish("second")
        end(task)
        wait_until(task.exists, seconds=60, why="a task after the restart")


@pytest.mark.large
def test_a_worker_that_takes_no_tasks_any_more_ends_with_an_error(database: None, broker: Broker) -> None:
    with worker(broker, "prefork", "tests.unfreed") as process:
        reconnect(broker)
        lose_acknowledgement(broker)
        broker.publish("second")
        assert process.wait(60) == EXIT_CODE
    assert "the worker has stopped taking tasks" in (broker.folder / "worker.log").read_text()


class Consumer:
    """The parts of a worker's consumer that the watch looks at. No other test uses its queues."""

    hostname = "audience@test"
    app = SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from=["watched first", WATCHED])))


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Return the watch of an idle worker in whose queue a task waits."""
    monkeypatch.setattr(state, "should_stop", None)
    monkeypatch.setattr(state, "reserved_requests", set())
    monkeypatch.setattr(lanes, "is_ending", threading.Event())
    client: Any = client_for(settings.REDIS_URL, timeout_seconds=5)
    client.lpush(WATCHED, "task")
    yield Watch(Consumer())
    client.delete(WATCHED)
    client.close()


def test_a_worker_ends_after_its_patience_and_not_before(watch: Watch) -> None:
    for _ in range(CHECKS - 1):
        watch.check()
    assert state.should_stop is None
    watch.check()
    assert state.should_stop == EXIT_CODE
    assert lanes.is_ending.is_set(), "deliveries to endpoints end, too"


def be_busy(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "reserved_requests", {"request"})


def take_task(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.note_task()


def lose_redis(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_redis", client_for(NO_REDIS, timeout_seconds=1))


def empty_queue(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    client_for(settings.REDIS_URL, timeout_seconds=5).delete(WATCHED)


def drain(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "should_stop", 0)


@pytest.mark.parametrize("change", [be_busy, take_task, lose_redis, empty_queue, drain])
def test_a_worker_that_has_a_reason_to_take_nothing_is_not_ended(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, change: Callable[[Watch, pytest.MonkeyPatch], None]
) -> None:
    for _ in range(CHECKS - 1):
        watch.check()
    change(watch, monkeypatch)
    for _ in range(CHECKS - 1):
        watch.check()
    assert state.should_stop in {None, 0}
