"""Run independent mail servers on loopback ports, in temporary folders.

Each keeps the mail that it takes in its queue or in a folder. A message counts as taken from the moment at which it is
complete there, which is before the client gets the reply to its final dot.
"""

from __future__ import annotations

import abc
import json
import os
import re
import signal
import smtplib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from chaos.site import members_of_session
from stack import StackError
from stack.downloads import Unavailable
from stack.folders import as_nobody, is_open_to_others
from stack.processes import Child, Processes, Program, await_ready, run_to_end
from stack.waiting import wait_until
from tests.mta.packages import exim_packages, haraka_packages, postfix_packages

DOMAIN = "mta.test"
RECIPIENT = re.compile(rb"[a-z0-9-]+@mta\.test")
GRACE_SECONDS, KILL_SECONDS = 1.0, 20.0

MASTER_CF = """
127.0.0.1:{port} inet n - n - 100 smtpd
anvil unix - - n - 1 anvil
bounce unix - - n - 0 bounce
cleanup unix n - n - 0 cleanup
postlog unix-dgram n - n - 1 postlogd
proxymap unix - - n - - proxymap
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
"""
"""Postfix's services: only those that are needed to take mail."""
EXIM_CONF = """
primary_hostname = exim.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%s
pid_file_path = {folder}/spool/exim.pid
never_users =
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
smtputf8_advertise_hosts = *
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
queue_only
deliver_drop_privilege
acl_smtp_rcpt = take
acl_smtp_data = take
begin acl
take:
  accept
"""


class Server(abc.ABC):
    """A mail server that can be stopped, killed and started again, always on the same port."""

    name: str

    def __init__(self, processes: Processes, folder: Path, port: int) -> None:
        """Write its configuration into `folder`. Raises Unavailable."""
        self.folder = folder
        self.port = port
        self.packages = self.find_packages()
        self._processes = processes
        self._child: Child | None = None
        self.configure()

    @abc.abstractmethod
    def find_packages(self) -> Path:
        """Return the folder of its programs. Raises Unavailable."""

    @abc.abstractmethod
    def configure(self) -> None:
        """Make its folders and write its configuration."""

    @abc.abstractmethod
    def command(self) -> list[str]:
        """Return the command that runs it in the foreground."""

    @abc.abstractmethod
    def version(self) -> str:
        """Return the version that its program reports."""

    @abc.abstractmethod
    def taken(self) -> list[Path]:
        """Return the files of the messages that it has taken, one for each."""

    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    def run_as(self) -> Mapping[str, Any]:
        """Return Popen's arguments for the user that it runs as: nobody, where we are root and nobody gets there."""
        return as_nobody() if is_open_to_others(self.packages) else {}

    def count(self) -> int:
        """Return how many messages it has taken."""
        return len(self.taken())

    def recipients(self) -> list[str]:
        """Return the recipient of each message that it has taken."""
        return [recipient_of(path) for path in self.taken()]

    def start(self) -> None:
        """Start it and wait until it greets."""
        program = Program(
            name=self.name,
            command=self.command(),
            rank=0,
            ready=self.is_ready,
            environment=self.environment(),
            folder=self.folder,
            run_as=self.run_as(),
        )
        self._child = self._processes.launch(program)
        await_ready(self._child)

    def stop(self) -> None:
        """Send SIGTERM to all processes as a service manager does, and SIGKILL to those that stay.

        An Exim process that waits for its client's next command stays until that comes.
        """
        leader = self._signal(signal.SIGTERM)
        with suppress(StackError):
            wait_until(lambda: not members_of_session(leader), seconds=GRACE_SECONDS, what=f"{self.name} to stop")
        self.kill()

    def kill(self) -> None:
        """Kill all processes with SIGKILL at once, and wait until none is left."""
        leader = self._signal(signal.SIGKILL)
        assert self._child is not None
        self._processes.forget(self._child)
        self._child = None
        wait_until(lambda: not members_of_session(leader), seconds=KILL_SECONDS, what=f"{self.name} to end")

    def close(self) -> None:
        """Stop the server if it runs."""
        if self._child is not None:
            self.kill()

    def is_ready(self) -> bool:
        with suppress(OSError, smtplib.SMTPException), smtplib.SMTP("127.0.0.1", self.port, timeout=5) as client:
            return client.noop()[0] == 250
        return False

    def _signal(self, number: signal.Signals) -> int:
        """Send a signal to all of its processes; return the session that they are in."""
        assert self._child is not None
        leader = self._child.process.pid
        with suppress(ProcessLookupError):
            os.killpg(leader, number)
        return leader


class DebianServer(Server):
    """A server from Debian's packages, run from where they are unpacked.

    nss_wrapper shows it user names that this machine does not have.
    """

    def environment(self) -> dict[str, str]:
        return {
            **super().environment(),
            "LD_LIBRARY_PATH": ":".join(sorted({str(path.parent) for path in self.packages.rglob("*.so*")})),
            "LD_PRELOAD": "libnss_wrapper.so",
            "NSS_WRAPPER_PASSWD": str(self.folder / "passwd"),
            "NSS_WRAPPER_GROUP": str(self.folder / "group"),
        }

    def write_users(self, users: Mapping[str, int]) -> None:
        """Write the files of users and groups; each user has a group of the same name and number."""
        users = {"root": 0, **users}
        (self.folder / "passwd").write_text("".join(f"{name}:x:{n}:{n}::/:/bin/false\n" for name, n in users.items()))
        (self.folder / "group").write_text("".join(f"{name}:x:{n}:\n" for name, n in users.items()))

    def run(self, *command: str) -> str:
        """Run one of its programs to the end and return what it printed."""
        return run_to_end(command, environment=self.environment(), run_as=self.run_as(), folder=self.folder)

    def give(self, *names: str, user: int) -> None:
        """Make folders that belong to a user."""
        for name in names:
            path = self.folder / name
            path.mkdir(exist_ok=True, parents=True)
            if os.geteuid() == 0:
                os.chown(path, user, user)


class Postfix(DebianServer):
    """Postfix, which keeps all mail on hold. Its master process must be root."""

    name = "postfix"
    OWNED = ("incoming", "active", "deferred", "defer", "bounce", "corrupt", "flush", "hold", "saved", "trace")
    USERS = {"nobody": 65534, "postfix": 65533, "postdrop": 65532}

    def find_packages(self) -> Path:
        if os.geteuid() != 0:
            raise Unavailable("Postfix must be started by root")
        return postfix_packages()

    def run_as(self) -> Mapping[str, Any]:
        return {}

    def configure(self) -> None:
        self.write_users(self.USERS)
        queue, data = self.folder / "queue", self.folder / "data"
        self.give("queue", "queue/pid", user=0)
        self.give("data", "queue/private", *(f"queue/{name}" for name in self.OWNED), user=self.USERS["postfix"])
        (queue / "private").chmod(0o700)
        data.chmod(0o700)
        (queue / "public").mkdir(mode=0o710)
        (queue / "maildrop").mkdir(mode=0o730)
        for name in ("public", "maildrop"):
            os.chown(queue / name, self.USERS["postfix"], self.USERS["postdrop"])
        (self.folder / "etc").mkdir()
        (self.folder / "etc" / "main.cf").write_text(
            "".join(f"{name} = {text}\n" for name, text in self.main_cf().items())
        )
        (self.folder / "etc" / "master.cf").write_text(MASTER_CF.format(port=self.port))

    def main_cf(self) -> dict[str, str]:
        variables = "LD_LIBRARY_PATH LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP MAIL_CONFIG TZ LC_ALL"
        programs = self.packages / "usr"
        return {
            "compatibility_level": "3.6",
            "queue_directory": str(self.folder / "queue"),
            "data_directory": str(self.folder / "data"),
            "daemon_directory": str(programs / "lib" / "postfix" / "sbin"),
            "command_directory": str(programs / "sbin"),
            "shlib_directory": str(programs / "lib" / "postfix"),
            "import_environment": variables,
            "export_environment": variables,
            "maillog_file": "/dev/stdout",
            "myhostname": "postfix.test",
            "mydestination": DOMAIN,
            "mynetworks": "127.0.0.1/32",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "alias_maps": "",
            "local_recipient_maps": "",
            "smtpd_recipient_restrictions": "check_recipient_access static:HOLD, permit_mynetworks, reject",
            # Mail on hold never leaves the queue, so a client would be slowed down for ever.
            "in_flow_delay": "0s",
        }

    def command(self) -> list[str]:
        return [str(self.packages / "usr/lib/postfix/sbin/master"), "-s", "-c", str(self.folder / "etc")]

    def version(self) -> str:
        postconf = str(self.packages / "usr/sbin/postconf")
        return self.run(postconf, "-c", str(self.folder / "etc"), "-h", "mail_version").strip()

    def taken(self) -> list[Path]:
        """Count the complete files of the queue, which Postfix marks as executable."""
        return [path for path in (self.folder / "queue" / "hold").iterdir() if path.stat().st_mode & 0o100]


class Exim(DebianServer):
    """Exim, which only queues its mail."""

    name = "exim"

    def find_packages(self) -> Path:
        return exim_packages()

    def configure(self) -> None:
        user = int(as_nobody().get("user", os.geteuid()))
        self.write_users({"Debian-exim": user})
        self.give("spool", "log", user=user)
        self.folder.chmod(0o755)
        (self.folder / "exim.conf").write_text(EXIM_CONF.format(folder=self.folder, port=self.port))

    def command(self) -> list[str]:
        return [str(self.packages / "usr/sbin/exim4"), "-C", str(self.folder / "exim.conf"), "-bdf"]

    def version(self) -> str:
        return self.run(*self.command()[:-1], "-bV").split()[2]

    def taken(self) -> list[Path]:
        """Count the messages whose file of headers has its final name, which it gets last."""
        return list((self.folder / "spool" / "input").glob("*-H"))


class Haraka(Server):
    """Haraka, whose plugin `keep` puts its mail into a folder."""

    name = "haraka"

    def find_packages(self) -> Path:
        return haraka_packages() / "node_modules" / "Haraka"

    def configure(self) -> None:
        for name in ("config", "plugins", "mail/tmp", "mail/new", "queue"):
            (self.folder / name).mkdir(parents=True)
        config = self.folder / "config"
        # A connection.ini of fewer sections would replace the defaults of the others by nothing.
        (config / "connection.ini").write_text((self.packages / "config" / "connection.ini").read_text())
        (config / "smtp.ini").write_text(f"listen=127.0.0.1:{self.port}\nnodes=0\n")
        (config / "plugins").write_text("keep\n")
        (config / "me").write_text("haraka.test\n")
        (config / "log.ini").write_text("[main]\nlevel=WARN\n")
        (self.folder / "plugins" / "keep.js").write_text((Path(__file__).parent / "haraka" / "keep.js").read_text())
        if owner := self.run_as():
            for path in (self.folder / "mail" / "tmp", self.folder / "mail" / "new", self.folder / "queue"):
                os.chown(path, owner["user"], owner["group"])

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "MAILBOX": str(self.folder / "mail"), "HOME": str(self.folder)}

    def command(self) -> list[str]:
        return ["node", str(self.packages / "bin" / "haraka"), "-c", str(self.folder)]

    def version(self) -> str:
        return str(json.loads((self.packages / "package.json").read_text())["version"])

    def taken(self) -> list[Path]:
        return list((self.folder / "mail" / "new").iterdir())


def url_of(port: int) -> str:
    """Return the SMTP_URL of a server on this port."""
    return f"smtp://127.0.0.1:{port}"


def recipient_of(path: Path) -> str:
    """Return the address that the envelope or, behind it, the header of a stored message names first."""
    match = RECIPIENT.search(path.read_bytes())
    assert match is not None, f"{path} names no recipient"
    return match[0].decode()
