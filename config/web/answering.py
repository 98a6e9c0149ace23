"""Answer requests: threads run the views, and the loop writes what the threads could not send."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from config.web.answers import Answer, Application, ClientGone, answer_busy, refusal, serve
from config.web.clients import READ, WRITE, Clients
from config.web.connection import Connection, State

log = logging.getLogger(__name__)


class Answering:
    """The answering side of the loop."""

    def __init__(
        self,
        application: Application,
        *,
        clients: Clients,
        name: tuple[Any, ...],
        wake: Callable[[], None],
        is_stopping: Callable[[], bool],
        feed: Callable[[Connection, bytes], None],
    ) -> None:
        """Prepare the queues of the loop.

        `wake` makes the loop call `take_ended`; `feed` takes bytes that followed the request that was answered.
        """
        self._application = application
        self._clients = clients
        self._name = name
        self._wake = wake
        self._is_stopping = is_stopping
        self._feed = feed
        self._ended: deque[tuple[Connection, bool]] = deque()
        """Connections whose request was answered, and whether they can be used again."""
        self._unsent: deque[Connection] = deque()

    def run_view(self, connection: Connection) -> None:
        """Run the view of a request. The threads call this."""
        request = connection.request
        answer = Answer(request, connection)
        answer.keeps_open &= not self._is_stopping()
        is_ended = False

        def end() -> None:
            nonlocal is_ended
            is_ended = True
            self._ended.append((connection, answer.keeps_open))
            if not answer.keeps_open or connection.pending or connection.has_ended or self._is_stopping():
                self._wake()

        try:
            serve(self._application, request.environ(connection.address, self._name), answer, end)
        except ClientGone:
            pass
        except Exception:
            # No error may end the thread.
            log.exception("request failed outside the views, and its connection is closed")
        finally:
            if not is_ended:
                answer.keeps_open = False
                end()
            with contextlib.suppress(OSError):
                request.close()

    def note_unsent(self, connection: Connection) -> None:
        """Let the loop write the bytes that a thread could not send. The threads call this."""
        self._unsent.append(connection)
        self._wake()

    def take_ended(self) -> None:
        """Continue the connections whose views have written a part of an answer, or all of it, since the last call."""
        while self._unsent:
            connection = self._unsent.popleft()
            if connection in self._clients:
                self._clients.listen(connection, connection.interest | WRITE)
        while self._ended:
            connection, keeps_open = self._ended.popleft()
            if connection in self._clients:
                self._end(connection, keeps_open)

    def _end(self, connection: Connection, keeps_open: bool) -> None:
        """Continue a connection after its view has written the whole answer."""
        connection.keeps_open = keeps_open
        self._clients.release(connection)
        if connection.unsent_bytes:
            # `enter` is not called here, because the deadline of the answer must not start again.
            connection.state = State.WRITING
            self._clients.listen(connection, connection.interest | WRITE)
        else:
            self._after_answer(connection)

    def flush(self, connection: Connection) -> None:
        """Write unsent bytes of an answer, now that the client reads again."""
        connection.flush()
        if connection.unsent_bytes:
            return
        self._clients.listen(connection, connection.interest & ~WRITE)
        if connection.state is State.WRITING:
            self._after_answer(connection)

    def _after_answer(self, connection: Connection) -> None:
        request = connection.request
        if not connection.keeps_open and (request.is_overlong or request.error):
            self._linger(connection)
        elif not connection.keeps_open or self._is_stopping() or (connection.has_ended and not connection.pending):
            self._clients.close(connection)
        else:
            data, connection.pending = connection.pending, b""
            connection.next_request()
            self._clients.listen(connection, READ)
            self._feed(connection, data)

    def _linger(self, connection: Connection) -> None:
        """Let the client read its answer. Closing while it still sends would reset the connection."""
        with contextlib.suppress(OSError):
            connection.socket.shutdown(socket.SHUT_WR)
        connection.enter(State.LINGERING)
        self._clients.listen(connection, READ)

    def refuse(self, connection: Connection, status: int) -> None:
        """Refuse an invalid request, or one that was not complete in time."""
        connection.request.error = status
        with contextlib.suppress(ClientGone):
            connection.write(refusal(status))
        connection.request.close()
        self._end(connection, keeps_open=False)

    def refuse_busy(self, connection: Connection, *, closes: bool = False) -> None:
        """Answer 503 because no thread or no room is free. `closes`: the body was not read."""
        if connection not in self._clients:
            return
        request = connection.request
        request.is_overlong |= closes
        answer = Answer(request, connection)
        with self._clients.guarding(connection):
            answer_busy(request.environ(connection.address, self._name), answer)
            request.close()
            self._end(connection, answer.keeps_open)
