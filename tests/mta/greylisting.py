"""Run a Postfix with a greylist, which defers each recipient once and counts this as an error of the client."""

from __future__ import annotations

import re
import socketserver
import threading
from pathlib import Path

from tests.mta.servers import Postfix

ENVELOPE_RECIPIENT = re.compile(rb"R(.)([a-z0-9-]+@mta\.test)", re.DOTALL)
"""A recipient's record in a queue file of Postfix: its type, a byte with the length of the text, and the text."""


class GreylistingPostfix(Postfix):
    """Postfix with its default limit of 20 errors, after which it closes the session."""

    def configure(self) -> None:
        self.greylist = Greylist()
        super().configure()

    def main_cf(self) -> dict[str, str]:
        settings = super().main_cf()
        restrictions = f"check_policy_service inet:127.0.0.1:{self.greylist.port}, "
        restrictions += settings["smtpd_recipient_restrictions"]
        # Without this, Postfix waits for a second before each reply to a client with many errors.
        return {**settings, "smtpd_recipient_restrictions": restrictions, "smtpd_error_sleep_time": "0s"}

    def close(self) -> None:
        super().close()
        self.greylist.close()

    def recipients(self) -> list[str]:
        """Return the recipients of each message that it has taken."""
        return [recipient for path in self.taken() for recipient in recipients_in(path)]


def recipients_in(path: Path) -> list[str]:
    """Return the recipients of the envelope; what looks like one elsewhere does not fit its length."""
    records = ENVELOPE_RECIPIENT.findall(path.read_bytes())
    return [address.decode() for length, address in records if ord(length) == len(address)]


class Greylist(socketserver.ThreadingTCPServer):
    """Postfix's policy service: 451 for a recipient that is named for the first time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Policy)
        self.known: set[str] = set()
        self.port = self.socket.getsockname()[1]
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class Policy(socketserver.StreamRequestHandler):
    server: Greylist

    def handle(self) -> None:
        """Answer requests: lines of `name=value`, ended by an empty line."""
        attributes: dict[str, str] = {}
        for line in self.rfile:
            name, _, value = line.decode().strip().partition("=")
            if name:
                attributes[name] = value
                continue
            action = self.decide(attributes["recipient"])
            self.wfile.write(f"action={action}\n\n".encode())
            attributes = {}

    def decide(self, recipient: str) -> str:
        if recipient in self.server.known:
            return "DUNNO"
        self.server.known.add(recipient)
        return "451 4.7.1 Greylisted, come back later"
