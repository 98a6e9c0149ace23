"""Make and lock the folders of engines: the state folder of `./sluice up`, that of the tests, and temporary ones.

A folder in use is locked (flock on its file `lock`, which has the launcher's PID). The kernel releases the lock with
the last process that holds it, so a killed run leaves nothing to clean up by hand.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

from stack import StackError
from stack.say import say
from stack.waiting import wait_until
from stack.watchdog import is_running

TEMPORARY = Path("/tmp")
"""The parent of temporary folders. TMPDIR may be closed to `nobody`, or too long for the path of a socket."""
YOUNG_SECONDS = 60
SOCKET_PATH_LIMIT = 100
"""The limit in bytes; the kernel's is 108 (Linux) or 104 (macOS)."""


@cache
def as_nobody() -> dict[str, Any]:
    """Return Popen arguments for a user that PostgreSQL accepts: `nobody` for root, and none for others."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def give_away(folder: Path) -> None:
    """Give a path to the user that PostgreSQL runs as."""
    owner = as_nobody()
    if owner:
        os.chown(folder, owner["user"], owner["group"])


@contextmanager
def locked(folder: Path) -> Iterator[IO[str]]:
    """Lock the folder; wait for the watchdog of a killed launcher.

    Raises StackError when a living launcher has the lock.
    """
    make_folder(folder)
    with (folder / "lock").open("a+") as handle:
        if not try_lock(handle):
            handle.seek(0)
            pid = handle.read().strip()
            if not pid or is_running(int(pid)):
                raise StackError(
                    f"Already running in {folder}, pid {pid or 'unknown'}. "
                    "Stop it first, or name another folder with --state."
                )
            say("An earlier run in this folder is still stopping; waiting for it.")
            wait_until(lambda: try_lock(handle), seconds=60, what=f"the earlier run (pid {pid}) to end")
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield handle


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "not writable")
    except OSError as error:
        raise StackError(
            f"The state folder {folder} cannot be used ({error.strerror}). Name another one with --state."
        ) from None


def try_lock(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_locked(folder: Path) -> bool:
    """Return whether a stack runs in the folder."""
    try:
        with (folder / "lock").open() as handle:
            return not try_lock(handle)
    except OSError:
        return False


@contextmanager
def temporary_folder(prefix: str) -> Iterator[tuple[Path, IO[str]]]:
    """Make a locked folder that is removed at the end, and remove those of killed runs with the same prefix first."""
    sweep(prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=TEMPORARY))
    os.chmod(folder, 0o755)
    with locked(folder) as lock:
        try:
            yield folder, lock
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def kept_folder(name: str) -> Iterator[tuple[Path, IO[str]]]:
    """Lock a folder in TEMPORARY whose files the next run uses again.

    The files of a run that was killed are removed first: its data may be damaged. Raises StackError while another run
    uses the folder, and if the folder belongs to somebody else.
    """
    folder = TEMPORARY / name
    folder.mkdir(mode=0o711, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise StackError(f"{folder} belongs to another user.")
    with locked(folder) as lock:
        complete = folder / "complete"
        if not complete.exists():
            empty(folder, keep="lock")
        complete.unlink(missing_ok=True)
        yield folder, lock
        complete.touch()


def empty(folder: Path, *, keep: str) -> None:
    """Remove everything in a folder except the file `keep`."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != keep:
            path.unlink()


def sweep(prefix: str) -> None:
    for folder in TEMPORARY.glob(f"{prefix}*"):
        if is_left_over(folder):
            shutil.rmtree(folder, ignore_errors=True)


def is_left_over(folder: Path) -> bool:
    """Return whether the folder is abandoned: ours, not locked, and not so new that its owner is about to lock it."""
    try:
        lock = (folder / "lock").lstat()
    except OSError:
        return False
    return lock.st_uid == os.geteuid() and time.time() - lock.st_mtime > YOUNG_SECONDS and not is_locked(folder)


def data_folder(state: Path) -> Path:
    """Return the folder of PostgreSQL's data, which is in the state folder if PostgreSQL can reach it there.

    Root's folders may be closed to the user that PostgreSQL must run as. Then the data are in /var/lib, with a link to
    them in the state folder.
    """
    link = state / "pgdata"
    if link.is_symlink():
        return link.resolve()
    if not as_nobody() or is_open_to_others(state):
        return link
    folder = Path(tempfile.mkdtemp(prefix="sluice-", dir=writable("/var/lib", "/var/tmp")))
    os.chmod(folder, 0o711)
    link.symlink_to(folder / "pgdata")
    say(f"PostgreSQL cannot run as root, and other users cannot enter {state}. Its data are stored in {folder}.")
    return folder / "pgdata"


def is_open_to_others(folder: Path) -> bool:
    """Return whether any user may walk into the folder."""
    path = folder.resolve()
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))


def writable(*folders: str) -> str:
    return next(folder for folder in folders if os.access(folder, os.W_OK))


def socket_folder(folder: Path) -> Path:
    """Return `folder`, or a short one in /tmp when a socket in it would have too long or too odd a path."""
    path = str(folder.resolve())
    if len(path.encode()) + 24 <= SOCKET_PATH_LIMIT and re.fullmatch(r"[A-Za-z0-9_./-]+", path):
        return Path(path)
    short = TEMPORARY / f"sluice-{os.geteuid()}-{hashlib.sha256(path.encode()).hexdigest()[:12]}"
    short.mkdir(mode=0o700, exist_ok=True)
    owners = {os.geteuid(), as_nobody().get("user", os.geteuid())}
    if short.is_symlink() or short.stat().st_uid not in owners:
        raise StackError(f"{short} belongs to another user. Remove it, or name another folder with --state.")
    return short
