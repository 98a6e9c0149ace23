"""Run a stack inside a `with` block, and stop it after the block.

with running_stack(state=folder, port=0, environment={"RETENTION_SECONDS": "3"}) as stack:
    stack.manage("create_account", "ada", "--json")
    stack.wait_until(lambda: stack.received() == 3, seconds=10, what="three messages")
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack import ROOT, StackError
from stack.first_run import Logins, logins, secret_key, write_private
from stack.folders import locked
from stack.inbox import delay_file
from stack.migrating import migrate
from stack.processes import Processes, Program, await_ready, run_to_end
from stack.programs import inbox_program, product_programs
from stack.say import say
from stack.services import start_engines, supervised
from stack.waiting import wait_until

HOST = "127.0.0.1"
EMBEDDED = {"DATABASE_URL": "", "REDIS_URL": ""}
"""The environment of a stack with separate engines: those of the process may be those of the tests, which are kept."""
Programs = Callable[[Path, int, Mapping[str, str]], list[Program]]
"""A function that makes the programs of a stack from the state folder, the web's port and the environment."""


@dataclass(frozen=True)
class RunningStack:
    state: Path
    base_url: str
    environment: Mapping[str, str]
    """The complete environment of its programs."""
    inbox: Path | None
    """The Maildir of the local inbox; None where SMTP_URL names another peer."""
    logins: Logins
    processes: Processes

    def manage(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """Run a manage.py command, and return its output."""
        return manage(self.environment, *arguments, environment=environment)

    def wait_until(self, condition: Callable[[], object], *, seconds: float, what: str) -> None:
        """Wait as `waiting.wait_until` does; fail at once when a program of the stack has ended."""

        def is_met() -> object:
            self.processes.check()
            return condition()

        wait_until(is_met, seconds=seconds, what=what)

    def wait_for_ever(self) -> None:
        """Start ended programs again until a signal comes (Interrupted) or a program ends too often (StackError)."""
        while True:
            self.processes.start_ended()
            time.sleep(0.2)

    def received(self) -> int:
        """Return how many messages the local inbox has stored."""
        return 0 if self.inbox is None else len(os.listdir(self.inbox / "new"))

    def slow_inbox_down(self, seconds: float) -> None:
        """Let the local inbox wait this long before each answer, from the next message on."""
        if self.inbox is not None:
            delay_file(self.inbox).write_text(str(seconds))


@contextmanager
def running_stack(
    *,
    state: Path,
    port: int = 0,
    environment: Mapping[str, str] | None = None,
    durable: bool = True,
    programs: Programs = product_programs,
) -> Iterator[RunningStack]:
    """Start everything in the folder `state`, with the web on `port` (0: a free one), and wait until it is ready.

    `environment` overrides the environment of the process; DATABASE_URL, REDIS_URL and SMTP_URL in it replace the
    embedded parts. `durable=False` is for data that may be lost. A signal ends the block with Interrupted.
    """
    variables = {**os.environ, **(environment or {})}
    with locked(state) as lock:
        port = free_port(port)
        with supervised(state, lock) as processes:
            yield start(processes, state, port, variables, durable=durable, programs=programs)


def start(
    processes: Processes, state: Path, port: int, variables: Mapping[str, str], *, durable: bool, programs: Programs
) -> RunningStack:
    """Start engines and inbox, migrate, and start all programs at once; meanwhile make the first run's logins."""
    started = time.monotonic()
    engines = start_engines(processes, state, variables, durable=durable)
    inbox, smtp_url = start_inbox(processes, state, variables)
    say(f"Engines ready after {time.monotonic() - started:.1f} s.")
    overrides = {
        **engines.environment,
        "SMTP_URL": smtp_url,
        "LOCAL_INBOX": str(inbox or ""),
        **settings(state, variables),
    }
    overrides["PUBLIC_URL"] = variables.get("PUBLIC_URL") or f"http://{HOST}:{port}"
    environment = {**variables, **overrides}
    migrate(environment)
    say(f"Database migrated after {time.monotonic() - started:.1f} s.")
    children = [processes.launch(program) for program in programs(state, port, environment)]
    made = logins(state, engines.database_url, lambda *words: manage(environment, *words))
    for child in children:
        await_ready(child)
    write_private(state / "environment.json", overrides)
    say(f"Everything runs after {time.monotonic() - started:.1f} s. The logs are in {processes.logs}.")
    return RunningStack(state, f"http://{HOST}:{port}", environment, inbox, made, processes)


def settings(state: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in which a stack on one's own machine differs from production (config/settings.py)."""
    return {
        "SECRET_KEY": variables.get("SECRET_KEY") or secret_key(state),
        "STOP_CUTOFF_SECONDS": variables.get("STOP_CUTOFF_SECONDS", "0"),
        "ALLOWED_HOSTS": allowed_hosts(variables),
        "DEBUG": "false",
        # `migrate` has just run them; each Celery program would again, before it is ready.
        "CELERY_SKIP_CHECKS": "true",
    }


def start_inbox(processes: Processes, state: Path, variables: Mapping[str, str]) -> tuple[Path | None, str]:
    """Start an inbox, and return its Maildir and SMTP_URL; start none if SMTP_URL names another peer."""
    if variables.get("SMTP_URL"):
        return None, variables["SMTP_URL"]
    processes.start(inbox_program(state))
    return state / "inbox", f"smtp://{HOST}:{(state / 'run' / 'inbox-port').read_text()}"


def allowed_hosts(variables: Mapping[str, str]) -> str:
    """Return the hosts that the environment allows, and this machine."""
    hosts = [host for host in variables.get("ALLOWED_HOSTS", "").split(",") if host]
    return ",".join(dict.fromkeys([*hosts, HOST, "localhost"]))


def manage(base: Mapping[str, str], *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return run_to_end(command, environment={**base, **(environment or {})})


def free_port(port: int) -> int:
    """Return `port`, or a free one for 0. It is checked beforehand, so that the message names the option."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise StackError(f"Port {port} needs more rights. Choose another one with --port.") from None
        except OSError:
            raise StackError(f"Port {port} is in use. Choose another one with --port.") from None
        return int(probe.getsockname()[1])
