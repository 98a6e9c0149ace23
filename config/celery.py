"""Create the Celery application. Tasks are hints: PostgreSQL is the schedule (docs/architecture.md)."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("sluice")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_own_logging(**_: Any) -> None:
    """Do nothing. With a receiver of this signal Celery installs no log handlers; Django has installed ours."""
