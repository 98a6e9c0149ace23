"""Run an SMTP server that follows the protocol, except where its script differs.

A script gives, for each stage of a session, the server's act at that stage: one act for every time, or a list with one
act for each time (after the last one the server follows the protocol). An act is the bytes of the reply, or one of the
classes below.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

DEADLINE_SECONDS = 5.0
FEATURES = ("PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")


@dataclass(frozen=True)
class Drop:
    """Close the connection, perhaps after a reply."""

    say: bytes = b""


@dataclass(frozen=True)
class Hang:
    """Read and write nothing until the test releases the server."""


@dataclass(frozen=True)
class Pieces:
    """Answer in pieces of this many bytes."""

    say: bytes
    size: int = 1


@dataclass(frozen=True)
class DropInBody:
    """After 354, read this many bytes of the body, and close."""

    after: int


@dataclass(frozen=True)
class HangInBody:
    """After 354, read this many bytes of the body and then no more until the test releases the server."""

    after: int
    say: bytes = b""


Act = bytes | Drop | Hang | Pieces | DropInBody | HangInBody
GOOD: dict[str, bytes] = {
    "CONNECT": b"220 scripted ESMTP\r\n",
    "HELO": b"250 scripted\r\n",
    "MAIL": b"250 2.1.0 Ok\r\n",
    "RCPT": b"250 2.1.5 Ok\r\n",
    "STARTTLS": b"220 2.0.0 go\r\n",
    "DATA": b"354 go on\r\n",
    "DOT": b"250 2.0.0 taken\r\n",
    "RSET": b"250 2.0.0 Ok\r\n",
    "QUIT": b"221 2.0.0 bye\r\n",
}


class Gone(Exception):
    pass


@dataclass
class ScriptedServer:
    script: dict[str, Act | list[Act]] = field(default_factory=dict)
    features: tuple[str, ...] = FEATURES
    tls: ssl.SSLContext | None = None
    """Encrypt from the first byte; with "STARTTLS" among the features, from that command on."""
    family: int = socket.AF_INET

    def __post_init__(self) -> None:
        self.stored: list[bytes] = []
        """Bodies that ended with a final dot, as they were before dot-stuffing."""
        self.commands: list[str] = []
        self.behind_dots: list[bytes] = []
        """The bytes that arrived together with each final dot."""
        self.connections = 0
        self._script = {stage: list(acts) if isinstance(acts, list) else acts for stage, acts in self.script.items()}
        self._changed = threading.Condition()
        self._let_go = threading.Event()
        self.lines: list[socket.socket] = []
        """Open connections."""
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(
            ("::1" if self.family == socket.AF_INET6 else "127.0.0.1", 0), family=self.family
        )
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> ScriptedServer:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in list(self.lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(DEADLINE_SECONDS)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?hello=client.test"

    def let_go(self) -> None:
        self._let_go.set()

    def count(self, verb: str) -> int:
        return sum(command.split(" ")[0].split(":")[0] == verb for command in self.commands)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, DEADLINE_SECONDS), "the server never came to it"

    def drop_all(self) -> None:
        """Close every line there is, as a server does that restarts."""
        for line in list(self.lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self.wait_until(lambda: not self.lines)

    # --- the server ---------------------------------------------------------------------------------------------------

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            line.settimeout(DEADLINE_SECONDS)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.lines.append(line)
            self._note(connections=1)
            self._start(self._serve, line)

    def _note(self, *, command: str | None = None, stored: bytes | None = None, connections: int = 0) -> None:
        with self._changed:
            if command is not None:
                self.commands.append(command)
            if stored is not None:
                self.stored.append(stored)
            self.connections += connections
            self._changed.notify_all()

    def _serve(self, line: socket.socket) -> None:
        session = _Session(self, line)
        with suppress(Gone, OSError):
            session.run()
        session.line.close()
        with self._changed:
            self.lines.remove(line)
            self._changed.notify_all()

    def act_at(self, stage: str) -> Act:
        with self._changed:
            acts = self._script.get(stage)
            if isinstance(acts, list):
                acts = acts.pop(0) if acts else None
        if acts is not None:
            return acts
        if stage == "EHLO":
            return b"".join(
                b"250%b%b\r\n" % (mark, word.encode())
                for mark, word in zip([b"-"] * len(self.features) + [b" "], ("scripted", *self.features), strict=True)
            )
        return GOOD.get(stage, b"502 5.5.1 unknown\r\n")


class _Session:
    def __init__(self, server: ScriptedServer, line: socket.socket) -> None:
        self.server = server
        self.line = line
        self.buffer = b""

    def run(self) -> None:
        if self.server.tls and "STARTTLS" not in self.server.features:
            self._wrap()
        self._do(self.server.act_at("CONNECT"))
        while True:
            command = self._read_line()
            verb = command.split(" ")[0].upper()
            self.server._note(command=command)
            if verb == "STARTTLS":
                act = self.server.act_at("STARTTLS")
                self._do(act)
                if isinstance(act, bytes) and act.startswith(b"220"):
                    self._wrap()
            elif verb == "DATA":
                self._take_body(self.server.act_at("DATA"))
            else:
                self._do(self.server.act_at(verb))
                if verb == "QUIT":
                    return

    def _wrap(self) -> None:
        assert self.server.tls
        self.line = self.server.tls.wrap_socket(self.line, server_side=True)

    def _take_body(self, act: Act) -> None:
        if isinstance(act, (DropInBody, HangInBody)):
            self._do(GOOD["DATA"])
            while len(self.buffer) < act.after:
                self._read()
            if isinstance(act, HangInBody):
                self._do(act.say)
            self._do(Drop() if isinstance(act, DropInBody) else Hang())
            return
        self._do(act)
        if not isinstance(act, bytes) or not act.startswith(b"354"):
            return
        while not (b"\r\n" + self.buffer).count(b"\r\n.\r\n"):
            self._read()
        body, self.buffer = (b"\r\n" + self.buffer).split(b"\r\n.\r\n", 1)
        self.server.behind_dots.append(self.buffer)
        lines = (body + b"\r\n").split(b"\r\n")[1:]
        self.server._note(command="DOT", stored=b"\r\n".join(line[line.startswith(b".") :] for line in lines))
        self._do(self.server.act_at("DOT"))

    def _do(self, act: Act) -> None:
        if isinstance(act, bytes):
            self.line.sendall(act)
        elif isinstance(act, Pieces):
            for start in range(0, len(act.say), act.size):
                self.line.sendall(act.say[start : start + act.size])
                time.sleep(0)
        elif isinstance(act, Drop):
            self.line.sendall(act.say)
            raise Gone
        elif isinstance(act, Hang):
            self.server._let_go.wait(DEADLINE_SECONDS)
            raise Gone

    def _read(self) -> None:
        data = self.line.recv(65_536)
        if not data:
            raise Gone
        self.buffer += data

    def _read_line(self) -> str:
        while b"\r\n" not in self.buffer:
            self._read()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode()
