"""Keep a worker taking tasks, whatever happens to its connection to Redis.

A worker takes as many messages as it has processes, and another one for each that it acknowledges. Kombu (5.7) counts a
message as acknowledged only when Redis has confirmed it. If Redis dies while all processes are busy, and the tasks end
before it is back, the acknowledgements fail and are not repeated. The worker then waits for ever until it may take a
message, and does not notice that its connection is closed. `FreeingQoS` counts such a message as done, so the worker
asks for the next one, and reconnects. Redis delivers the message again after the visibility timeout. This does no harm,
because tasks are hints.

`Watch` is for causes that are not known: it ends a worker that takes nothing, so that its supervisor starts it again.
"""

from __future__ import annotations

from typing import Any

import structlog
from celery.signals import task_received, worker_ready, worker_shutting_down
from celery.worker import state
from django.conf import settings
from kombu.transport import redis, virtual
from redis import RedisError

from foundation.redis_client import client_for

log = structlog.get_logger(__name__)

CHECK_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
REDIS_SECONDS = 1.0
EXIT_CODE = 1


class FreeingQoS(redis.QoS):
    """Count a message as done even if Redis does not confirm its acknowledgement or rejection."""

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        try:
            super().reject(delivery_tag, requeue)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise


redis.Channel.QoS = FreeingQoS


class Watch:
    """End a worker that has no task and takes none for `PATIENCE_SECONDS`, although tasks wait in its queues.

    The checks run in the loop that takes the tasks, and are counted. So the time in which the worker is suspended, or
    tries to reconnect, is not included. A busy worker is not checked, since directly after a reconnect it may have all
    tasks that it is allowed to take. A worker that has really stopped taking tasks becomes idle when these end.
    """

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._queues = sorted(consumer.app.amqp.queues.consume_from)
        self._redis = client_for(settings.REDIS_URL, timeout_seconds=REDIS_SECONDS)
        self._checks_in_vain = 0

    def start(self) -> None:
        task_received.connect(self.note_task, weak=False)
        self._consumer.timer.call_repeatedly(CHECK_SECONDS, self.check)

    def note_task(self, **_: Any) -> None:
        self._checks_in_vain = 0

    def check(self) -> None:
        """Note whether a task waits that this worker should have taken. End the worker after too many such checks."""
        is_ending = state.should_stop is not None or state.should_terminate is not None
        if is_ending or state.reserved_requests or not self._is_task_waiting():
            self._checks_in_vain = 0
            return
        self._checks_in_vain += 1
        if self._checks_in_vain * CHECK_SECONDS >= PATIENCE_SECONDS:
            self._end()

    def _is_task_waiting(self) -> bool:
        try:
            return any(self._redis.llen(queue) for queue in self._queues)
        except RedisError:
            return False

    def _end(self) -> None:
        """Stop the worker as SIGTERM does, but with the exit code of a failure."""
        log.error(
            "the worker has stopped taking tasks and ends, so that it is started again",
            worker=self._consumer.hostname,
            queues=self._queues,
            seconds=PATIENCE_SECONDS,
        )
        worker_shutting_down.send(sender=self._consumer.hostname, sig=None, how="Warm", exitcode=EXIT_CODE)
        state.should_stop = EXIT_CODE  # type: ignore[assignment]  # the stubs know only its first value, None


@worker_ready.connect
def watch_consumer(sender: Any, **_: Any) -> None:
    """Start the watch once the worker takes tasks. `sender` is its consumer."""
    Watch(sender).start()
