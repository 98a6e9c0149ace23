"""Describe the machine and the software versions of a run."""

from __future__ import annotations

import datetime as dt
import os
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.registry import CEILINGS
from benchmarks.setting import Setting
from benchmarks.sink import command
from stack.binaries import find_postgresql, read_version


def about(setting: Setting) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        kind, _ = command(Path(folder))
    return {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "is_quick": setting.is_quick,
        "rounds": setting.count(setting.rounds),
        "sink": kind,
        "ceilings": list(CEILINGS),
        "cores": os.cpu_count(),
        "processor": processor(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "celery": version("celery"),
        "django": version("django"),
        "postgresql": read_version(find_postgresql({}) / "postgres"),
        "durability": "PostgreSQL with fsync and synchronous_commit on, Valkey with an append-only file",
    }


def processor() -> str:
    """Return the model of the processor, where the system says so (Linux)."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
