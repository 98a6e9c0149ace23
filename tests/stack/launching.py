"""Start a launcher under its own terminal, and look for processes that it leaves behind."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from stack import ROOT

BARE = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
"""The Python without an environment."""
# The child takes the terminal as its controlling one, so that Ctrl-C and a closed window reach it as signals. SIGHUP is
# reset, since this process may ignore it because of `nohup`.
TAKE_TERMINAL = (
    "import fcntl, os, signal, sys, termios; signal.signal(signal.SIGHUP, signal.SIG_DFL); "
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


class Launched:
    """A command under a terminal."""

    def __init__(self, *command: str) -> None:
        self.terminal, end = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, *command],
            stdin=end,
            stdout=end,
            stderr=end,
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
            start_new_session=True,
        )
        os.close(end)
        os.set_blocking(self.terminal, False)
        self.shown = ""

    def read(self) -> str:
        """Return the output so far."""
        with contextlib.suppress(OSError):
            while data := os.read(self.terminal, 65536):
                self.shown += data.decode(errors="replace")
        return self.shown

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.read() or self.process.poll() is not None)
        assert text in self.read(), self.shown

    def end(self, how: str) -> int:
        """End the command by "Ctrl-C", "closed terminal" or the name of a signal; return the exit code."""
        if how == "Ctrl-C":
            os.write(self.terminal, b"\x03")
        elif how == "closed terminal":
            os.close(self.terminal)
        else:
            self.process.send_signal(signal.Signals[how])
        return self.wait()

    def wait(self) -> int:
        wait_until(lambda: (self.read(), self.process.poll())[1] is not None)
        return self.process.wait()

    def close(self) -> None:
        """Kill all remaining processes, however the test ended."""
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            os.close(self.terminal)


def processes_naming(folder: Path) -> list[str]:
    """Return the processes with the folder in their command line, as all processes of a stack have."""
    listed = subprocess.run(["ps", "axww", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(folder) in line and line.split()[1][0] != "Z"]


def wait_until(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
