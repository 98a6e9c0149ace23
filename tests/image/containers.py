"""Run the services of docker-compose.yml as containers, with their flags, environments and commands.

They share one isolated network, in which every name of a service is 127.0.0.1. PostgreSQL, Redis and the SMTP peer run
on this machine; a relay leads to them through unix sockets in a shared folder, and back to the web.
"""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Any

from stack import StackError
from stack.waiting import wait_until
from tests.compose import seconds
from tests.image.engine import Engine

RELAY = Path(__file__).with_name("relay.py")
WEB_PORT = 8000
NETWORK = "network"
"""The container that holds the network of all others."""
ELSEWHERE = {"build", "command", "depends_on", "env_file", "healthcheck", "image", "networks", "ports", "restart"}
"""The entries of docker-compose.yml that are not an option of a single container."""


def options_of(service: Mapping[str, Any]) -> list[str]:
    """Return the options of `docker run` that correspond to a service. Raises KeyError for what is not known here."""
    options: dict[str, Callable[[Any], list[str]]] = {
        "cap_drop": lambda names: [f"--cap-drop={name}" for name in names],
        "environment": lambda variables: [f"--env={name}={value}" for name, value in variables.items()],
        "init": lambda value: [f"--init={json.dumps(value)}"],
        "logging": lambda value: [f"--log-driver={value['driver']}"],
        "read_only": lambda value: [f"--read-only={json.dumps(value)}"],
        "security_opt": lambda names: [f"--security-opt={name}" for name in names],
        "stop_grace_period": lambda value: [f"--stop-timeout={seconds(value):.0f}"],
        "tmpfs": lambda paths: [f"--tmpfs={path}" for path in paths],
        # Without a name, so that each goes with its container.
        "volumes": lambda volumes: [f"--volume={volume.rpartition(':')[2]}" for volume in volumes],
    }
    return [word for key in service.keys() - ELSEWHERE for word in options[key](service[key])]


class Containers:
    """The containers of `docker compose up`. Each has the label `label`, by which `remove` finds it."""

    def __init__(self, engine: Engine, *, image: str, services: Mapping[str, Any], folder: Path, label: str) -> None:
        self.engine = engine
        self.image = image
        self.services = services
        self.folder = folder
        """The folder of the unix sockets of the outer services, and of the web (`web.sock`)."""
        self.label = label
        self.started: list[str] = []

    def open_network(self, targets: Mapping[int, Path]) -> None:
        """Start the container that holds the network. Connections to each port lead to its unix socket."""
        hosts = [f"--add-host={name}:127.0.0.1" for name in self.services]
        volumes = [f"--volume={self.folder}:{self.folder}", f"--volume={RELAY}:/relay.py:ro"]
        pairs = [f"{self.folder}/web.sock={WEB_PORT}", *(f"{port}={path}" for port, path in targets.items())]
        # As root, who alone may enter the folder of PostgreSQL's socket.
        options = ["--network=none", "--init", "--user=0:0", *hosts, *volumes]
        self.launch(NETWORK, [*options, self.image, "python", "/relay.py", *pairs])
        wait_until((self.folder / "web.sock").exists, seconds=60, what="the relay")

    def run(self, name: str, *command: str) -> str:
        """Run a service to its end, with another command if one is given; return its output."""
        return self.engine.run("run", "--rm", *self.words(name, *command))

    def start(self, name: str) -> None:
        """Start a service and leave it running."""
        self.launch(name, self.words(name))

    def launch(self, name: str, words: list[str]) -> None:
        """Start a container in the background."""
        self.started.append(name)
        self.engine.run("run", "--detach", f"--name={self.label}-{name}", f"--label={self.label}", *words)

    def words(self, name: str, *command: str) -> list[str]:
        """Return the options, the image and the command of a service."""
        service = self.services[name]
        network = [f"--network=container:{self.label}-{NETWORK}"]
        return [*options_of(service), *network, self.image, *(command or service.get("command", []))]

    def execute(self, name: str, *command: str) -> str:
        """Run a command in a running container; return its output. Raises StackError when it fails."""
        return self.engine.run("exec", f"{self.label}-{name}", *command)

    def succeeds(self, name: str, *command: str) -> bool:
        """Return whether a command in a running container ends with exit code 0."""
        return self.engine.succeeds("exec", f"{self.label}-{name}", *command)

    def is_healthy(self, name: str) -> bool:
        """Run the health check of a service."""
        word, *command = self.services[name]["healthcheck"]["test"]
        assert word == "CMD", word
        return self.succeeds(name, *command)

    def log(self, name: str) -> str:
        """Return what a container has written so far, on either of its outputs."""
        command = [self.engine.client, "logs", f"{self.label}-{name}"]
        output = subprocess.run(command, env=self.engine.environment, stdout=PIPE, stderr=STDOUT, text=True, check=True)
        return output.stdout

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait until a condition holds. Raises StackError with the ends of the logs after five minutes."""
        try:
            wait_until(condition, seconds=300, what=what)
        except StackError as error:
            logs = [f"{name}:\n{self.log(name)[-2000:]}" for name in self.started]
            raise StackError("\n".join([str(error), *logs])) from None

    def ask(self, method: str, path: str, key: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Send a request to the web; return the status and the decoded body."""
        connection = WebConnection(self.folder / "web.sock")
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, json.dumps(body or {}), headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        return response.status, json.loads(text) if text.startswith(b"{") else text

    def is_answering(self) -> bool:
        """Return whether the web answers."""
        try:
            return self.ask("GET", "/healthz", "")[0] == 200
        except (OSError, HTTPException):
            return False

    def stop(self, *names: str) -> None:
        """Stop containers as `docker compose stop` does: together, each with the time that it may take."""
        self.engine.run("stop", *(f"{self.label}-{name}" for name in names))

    def exit_code(self, name: str) -> int:
        """Return how a container has ended."""
        return int(self.engine.run("inspect", "--format={{.State.ExitCode}}", f"{self.label}-{name}"))

    def remove(self) -> None:
        """Remove all containers, running ones too."""
        containers = self.engine.run("ps", "--all", "--quiet", f"--filter=label={self.label}").split()
        if containers:
            self.engine.run("rm", "--force", "--volumes", *containers)


class WebConnection(HTTPConnection):
    """A connection to the web through its unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self) -> None:
        """Connect to the socket in place of a port."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))
