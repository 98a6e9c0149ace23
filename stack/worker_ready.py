"""Report to the launcher that a worker is ready; workers include this module (`celery worker --include`).

It writes a file, since the product may change the form of its log.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery.signals import worker_ready


@worker_ready.connect  # type: ignore[untyped-decorator,unused-ignore]
def announce(**_details: Any) -> None:
    Path(os.environ["SLUICE_READY_FILE"]).touch()
