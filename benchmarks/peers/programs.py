"""Run the programs of one peer on separate engines: the parts that all peers share."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from benchmarks.contestants import Cpu, tree_cpu
from benchmarks.sink import Sink
from stack import ROOT, StackError
from stack.binaries import find_postgresql, find_valkey
from stack.folders import data_folder, locked
from stack.postgresql import start_postgresql
from stack.processes import Processes, Program, die_with_parent, run_to_end
from stack.programs import WORKERS, ready_file
from stack.services import supervised
from stack.valkey import start_valkey
from stack.waiting import undisturbed


class Scheduler:
    """A program that is called over its standard input: {"messages": 10, "send_at": 1800000000} in a line.

    It prints "ready", and "scheduled" after each line.
    """

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> None:
        """Start the program and return once it is ready."""
        self._log = log
        with undisturbed(), log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=folder,
                env=environment,
                text=True,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        self._expect("ready")

    def ask(self, messages: int, send_at: float) -> None:
        """Schedule messages. Raises StackError with the end of the log when it fails."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"messages": messages, "send_at": send_at}) + "\n")
        self.process.stdin.flush()
        self._expect("scheduled")

    def close(self) -> None:
        """End the program and every process that it has started."""
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        with self.process:
            pass

    def _expect(self, word: str) -> None:
        assert self.process.stdout is not None
        answer = self.process.stdout.readline().strip()
        if answer != word:
            output = self._log.read_text(errors="replace")[-2000:]
            self.close()
            raise StackError(f"the scheduler answered {answer!r}, not {word!r}; the end of {self._log}:\n{output}")


class Peer:
    """A contestant (benchmarks/contestants.py) made of a scheduler and workers, the programs in `home/program`."""

    rest_per_message = 0.0
    """The seconds per message for which workers continue to load after the scheduling."""

    def __init__(self, home: Path, folder: Path, processes: Processes, environment: Mapping[str, str]) -> None:
        self._program = home / "program"
        self._folder = folder
        self._processes = processes
        self._environment = dict(environment)
        self._engines = [child.process.pid for child in processes.children]
        self._workers: list[int] = []
        self._scheduler: Scheduler | None = None

    def prepare(self, command: Sequence[str]) -> None:
        """Run it to its end."""
        run_to_end(command, environment=self._environment, folder=self._program)

    def start_worker(self, command: Sequence[str], *, number: int = 1) -> None:
        """Start a worker and return once it waits for work: it makes the file READY_FILE then."""
        name = f"worker-{number}"
        ready = ready_file(self._folder, name)
        program = Program(
            name=name,
            command=command,
            rank=WORKERS,
            ready=ready.exists,
            environment={**self._environment, "READY_FILE": str(ready)},
            folder=self._program,
        )
        self._workers.append(self._processes.start(program).process.pid)

    def start_scheduler(self, command: Sequence[str]) -> None:
        log = self._processes.logs / "scheduler.log"
        self._scheduler = Scheduler(command, self._program, self._environment, log)

    def schedule(self, messages: int, send_at: float) -> None:
        self._running_scheduler.ask(messages, send_at)

    def rest_seconds(self, messages: int) -> float:
        return 2.0 + messages * self.rest_per_message

    def cpu(self) -> Cpu:
        programs = [self._running_scheduler.process.pid, *self._workers]
        return Cpu(tree_cpu(programs), tree_cpu(self._engines))

    def close(self) -> None:
        """End the scheduler; the workers end with the engines."""
        if self._scheduler is not None:
            self._scheduler.close()

    @property
    def _running_scheduler(self) -> Scheduler:
        assert self._scheduler is not None
        return self._scheduler


@contextmanager
def peer_on_postgresql(name: str, home: Path, folder: Path, sink: Sink, **variables: str) -> Iterator[Peer]:
    """Run a peer on PostgreSQL, with the same settings as Sluice's, fsync included.

    Its programs find the database as libpq does (PGHOST, PGDATABASE …), and get `variables`.
    """
    folder = folder / name
    with started(folder) as processes:
        parameters = conninfo_to_dict(
            start_postgresql(processes, find_postgresql(os.environ), data_folder(folder), durable=True)
        )
        names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "dbname"}
        engine = {variable: str(parameters[part]) for variable, part in names.items()}
        with closing(Peer(home, folder, processes, {**environment(folder, sink), **engine, **variables})) as peer:
            yield peer


@contextmanager
def peer_on_redis(name: str, home: Path, folder: Path, sink: Sink, **variables: str) -> Iterator[Peer]:
    """Run a peer on Redis, which writes nothing to disk: the peer's best case.

    Its programs find REDIS_URL and REDIS_SOCKET, and get `variables`.
    """
    folder = folder / name
    with started(folder) as processes:
        url = start_valkey(processes, find_valkey(os.environ), folder / "valkey", durable=False)
        engine = {"REDIS_URL": url, "REDIS_SOCKET": urlsplit(url).path}
        with closing(Peer(home, folder, processes, {**environment(folder, sink), **engine, **variables})) as peer:
            yield peer


@contextmanager
def started(folder: Path) -> Iterator[Processes]:
    with locked(folder) as lock, supervised(folder, lock) as processes:
        yield processes


def environment(folder: Path, sink: Sink) -> dict[str, str]:
    """Return the environment of a peer's programs, without any variable of this process.

    A CELERY_BROKER there would be obeyed. PYTHONPATH is for benchmarks/mail.py, which needs nothing else.
    """
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "SMTP_PORT": str(sink.port),
        "RUN_FOLDER": str(folder),
    }
