"""Provide a container engine for the tests: the one that runs on this machine, or Debian's, for the tests alone.

An engine that is started here is unpacked from Debian's packages into a temporary folder and installed nowhere. It
runs in new mount and process namespaces and keeps its data in memory there: when its first process ends, for whatever
reason, the kernel ends every container, every mount and the data with it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack import ROOT
from stack.folders import TEMPORARY, temporary_folder
from stack.processes import Child, Program, run_to_end
from stack.services import supervised
from stack.waiting import wait_until

PACKAGES = ("docker.io", "containerd", "runc", "tini", "libdevmapper1.02.1", "libseccomp2")
TOOLS = ("apt-get", "dpkg-deb", "perl", "unshare")
"""The programs that unpack packages, make a tree of Debian and start the engine."""
FIXED_FOLDERS = ("/etc/docker", "/opt/containerd", "/run/docker", "/run/containerd")
"""Folders that the engine writes to regardless of its data folder; it gets empty ones in their place."""
CGROUPS = Path("/sys/fs/cgroup")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PREFIX = "sluice-engine-"
SUITE = "bookworm"
"""The Debian release with the same minor version of Python as the Dockerfile's base image."""
TREE_PACKAGES = (
    *(
        "base-files",
        "base-passwd",
        "bash",
        "coreutils",
        "dash",
        "findutils",
        "grep",
        "libc-bin",
        "login",
        "passwd",
        "sed",
    ),
    *("python3", "python3-venv"),
)
PIP_OPTIONS = re.compile(r"^\S+\.(index-url|extra-index-url|trusted-host|proxy)='(.*)'$", re.MULTILINE)


@dataclass(frozen=True)
class Engine:
    """A client of a running engine."""

    client: str
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> str:
        """Run a command of the client; return its standard output. Raises StackError when it fails."""
        return run_to_end([self.client, *arguments], environment=self.environment)

    def succeeds(self, *arguments: str) -> bool:
        """Return whether a command of the client ends with exit code 0."""
        command = [self.client, *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True).returncode == 0


def running_engine() -> Engine | None:
    """Return the engine that already runs on this machine, if any."""
    client = shutil.which("docker")
    engine = Engine(client, {**os.environ, "DOCKER_BUILDKIT": "1"}) if client else None
    return engine if engine and engine.succeeds("version") else None


def why_no_packages() -> str:
    """Return why Debian's packages cannot be used here; an empty text if they can."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        return f"{' and '.join(missing)} not found, and what is missing is taken from Debian's packages"
    return "" if os.geteuid() == 0 else "only root can start an engine or make a base image"


@contextmanager
def started_engine() -> Iterator[Engine]:
    """Start Debian's engine, with everything it writes in a temporary folder."""
    with (
        no_traces(f"sluice-image-{os.getpid()}") as group,
        temporary_folder(PREFIX) as (folder, lock),
        supervised(folder, lock) as processes,
    ):
        engine = engine_in(folder)
        child = processes.start(daemon(engine, folder, group))
        yield engine
        end_softly(child)


def engine_in(folder: Path) -> Engine:
    """Unpack the packages and return the client of the engine that will listen in `folder`."""
    root = unpack(PACKAGES, folder / "packages")
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([f"{root}/usr/sbin", f"{root}/usr/bin", os.environ.get("PATH", os.defpath)]),
        "LD_LIBRARY_PATH": os.pathsep.join(sorted({str(path.parent) for path in root.rglob("*.so.*")})),
        "DOCKER_HOST": f"unix://{folder}/docker.sock",
        "DOCKER_BUILDKIT": "1",
    }
    return Engine(f"{root}/usr/bin/docker", environment)


def unpack(packages: Sequence[str], root: Path) -> Path:
    """Download Debian's packages and unpack them into `root`, and return it. No state of apt or dpkg changes."""
    with tempfile.TemporaryDirectory(prefix="apt-", dir=root.parent) as name:
        state = Path(name)
        for folder in ("lists/partial", "cache/archives/partial"):
            (state / folder).mkdir(parents=True)
        options = [f"Dir::State::Lists={state}/lists", f"Dir::Cache={state}/cache", "APT::Sandbox::User=root"]
        apt = ["apt-get", "-q", *(word for option in options for word in ("-o", option))]
        for arguments in (["update"], ["download", *packages]):
            run_to_end([*apt, *arguments], environment=os.environ, folder=state)
        for package in state.glob("*.deb"):
            run_to_end(["dpkg-deb", "-x", str(package), str(root)], environment=os.environ)
    return root


def isolated(command: Sequence[str], *, in_memory: Sequence[str | Path]) -> list[str]:
    """Return the command in new namespaces, in which the folders `in_memory` are empty and gone at its end."""
    mounts = "".join(f"mkdir -p {folder}; mount -t tmpfs tmpfs {folder}; " for folder in in_memory)
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return [*unshare, "sh", "-ec", f'{mounts}exec "$@"', "sh", *command]


def daemon(engine: Engine, folder: Path, group: str) -> Program:
    """Return the engine's program. It changes no firewall and makes no network on this machine."""
    command = ["dockerd", "--iptables=false", "--ip-forward=false", "--bridge=none", f"--cgroup-parent=/{group}"]
    command += [f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"]
    command += ["--host", engine.environment["DOCKER_HOST"]]
    return Program(
        name="dockerd",
        command=isolated(command, in_memory=[folder / "data", folder / "exec", *FIXED_FOLDERS]),
        rank=1,
        ready=lambda: engine.succeeds("version"),
        # The end of this process is that of its namespaces and of everything in them.
        stop_signal=signal.SIGKILL,
        orphan_signal=signal.SIGKILL,
        environment=engine.environment,
        folder=folder,
    )


def end_softly(child: Child) -> None:
    """Ask the engine itself, the only child of `unshare`, to end, so that it takes down what it set up."""
    pid = child.process.pid
    for daemon_pid in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        os.kill(int(daemon_pid), signal.SIGTERM)
    wait_until(lambda: not child.is_alive(), seconds=30, what="the end of the engine")


@contextmanager
def no_traces(group: str) -> Iterator[str]:
    """Remove afterwards what outlives the engine's namespaces.

    These are the control groups below `group`, and empty folders unless another engine has mounted something on them.
    """
    new_folders = [path for path in FIXED_FOLDERS if not os.path.exists(path)]
    try:
        yield group
    finally:
        for top in (*CGROUPS.glob(group), *CGROUPS.glob(f"*/{group}")):
            for folder, _, _ in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
        for path in () if any(TEMPORARY.glob(f"{PREFIX}*")) else new_folders:
            with contextlib.suppress(OSError):
                os.rmdir(path)


def import_tree(engine: Engine, image: str, folder: Path) -> None:
    """Make an image of Debian with Python, and with this machine's certificates and index of packages for pip."""
    program = unpack(["mmdebstrap"], folder / "mmdebstrap") / "usr/bin/mmdebstrap"
    configuration = folder / "pip.conf"
    configuration.write_text(pip_configuration())
    hooks = [
        'mkdir -p "$1/usr/local/bin" && ln -s /usr/bin/python3 "$1/usr/local/bin/python"',
        'for name in passwd group; do cp "$1/usr/share/base-passwd/$name.master" "$1/etc/$name"; done',
        f'mkdir -p "$1{CERTIFICATES.parent}" && cp -L {CERTIFICATES} "$1{CERTIFICATES}"',
        f'cp {configuration} "$1/etc/pip.conf"',
    ]
    # Unpacked and not configured, which takes a third of the time: only Python and a shell must run in it.
    tree = ["perl", str(program), "--quiet", "--mode=root", "--variant=extract"]
    tree += [f"--include={','.join(TREE_PACKAGES)}", *(f"--extract-hook={hook}" for hook in hooks), SUITE, "-"]
    make = shlex.join(isolated(tree, in_memory=[folder / "tree"]))
    pipe = f"{make} | {shlex.join([engine.client, 'import', '-', image])}"
    environment = {**engine.environment, "TMPDIR": str(folder / "tree")}
    run_to_end(["bash", "-o", "pipefail", "-c", pipe], environment=environment)


def pip_configuration() -> str:
    """Return a pip.conf with the options of this machine's pip that say where packages come from."""
    pip = next((ROOT / "vendor").glob("pip-*.whl")) / "pip"
    listed = run_to_end([sys.executable, str(pip), "config", "list"], environment=os.environ)
    remote = [f"{name} = {value}" for name, value in PIP_OPTIONS.findall(listed) if not value.startswith("file:")]
    return "\n".join(["[global]", f"cert = {CERTIFICATES}", *remote, ""])
