"""Run a launcher like `./sluice up` with stand-ins for the product's programs: `python -m tests.stack.stand_in STATE`.

`--watchdog-only` leaves out the kernel's parent-death signal, as on a system that has none.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from stack import StackError, processes
from stack.folders import locked
from stack.processes import Processes, Program
from stack.say import say
from stack.services import start_engines, supervised
from stack.waiting import Interrupted, signals_interrupt

# It has a child that ignores SIGTERM, as a busy pool might, and notes its own stop.
PROGRAM = """
import os, pathlib, signal, sys, time
state, name = pathlib.Path(sys.argv[1]), sys.argv[2]
def stop(*_):
    with (state / "order").open("a") as order:
        order.write(name + "\\n")
    sys.exit()
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, stop)
    (state / (name + ".pid")).write_text(str(os.getpid()))
while True:
    time.sleep(60)
"""


def program(state: Path, name: str, rank: int) -> Program:
    return Program(
        name=name,
        command=[sys.executable, "-I", "-c", PROGRAM, str(state), name],
        rank=rank,
        ready=(state / f"{name}.pid").exists,
        starts_again=True,
    )


def run(state: Path) -> None:
    with locked(state) as lock, supervised(state, lock) as children:
        start_engines(children, state, {}, durable=False)
        for rank, name in enumerate(("worker", "web", "beat"), start=3):
            children.start(program(state, name, rank))
        say("everything is up")
        supervise(children)


def supervise(children: Processes) -> None:
    while True:
        children.start_ended()
        time.sleep(0.05)


def main() -> int:
    if "--watchdog-only" in sys.argv:
        processes.LIBC = None
    try:
        with signals_interrupt():
            run(Path(sys.argv[1]))
    except StackError as error:
        say(f"sluice: {error}")
        return 1
    except Interrupted:
        say("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
