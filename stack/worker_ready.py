"""Included by the workers of a running stack (`celery worker --include`): tells the launcher that they listen.

A file rather than a line of a log, whose form is the product's own affair.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery.signals import worker_ready


@worker_ready.connect  # type: ignore[untyped-decorator,unused-ignore]
def announce(**_details: Any) -> None:
    Path(os.environ["SLUICE_READY_FILE"]).touch()
