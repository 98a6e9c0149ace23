"""Create the Celery application. Tasks are hints: PostgreSQL is the schedule (docs/architecture.md)."""

import gc
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_prerun, worker_init
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
COLLECT_AFTER = 10_000
"""The number of new containers after which the garbage collector looks for cycles among them; usually 700."""

app = Celery("sluice")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_own_logging(**_: Any) -> None:
    """Do nothing. With a receiver of this signal Celery installs no log handlers; Django has installed ours."""


@worker_init.connect
def spare_collector(**_: Any) -> None:
    """Keep the garbage collector away from loaded modules, and call it less often.

    A slice makes tens of thousands of objects that live until it is recorded. The collector would take them for a heap
    that grows, and visit every loaded module again and again, at an eighth of a worker's CPU time. The forked processes
    inherit these settings, and share the memory of loaded modules.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


@task_prerun.connect
def look_after_connection(**_: Any) -> None:
    """Have the connection to PostgreSQL tested before its next statement, as Django does for a request.

    Celery would close it before and after each task (`CELERY_DB_REUSE_MAX`), and to connect takes milliseconds.
    """
    close_old_connections()
