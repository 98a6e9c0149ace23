from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class MailerConfig(AppConfig):
    name = "mailer"
    verbose_name = "Mail"

    def ready(self) -> None:
        from batches.admit import report_verdicts
        from mailer import worker  # noqa: F401  (connects the Celery worker's signals)
        from mailer.outcomes.verdicts import write_verdicts

        report_verdicts(write_verdicts)
        post_migrate.connect(_make_first_partitions, sender=self)


def _make_first_partitions(**_: Any) -> None:
    """Make the first partitions, which a migration cannot do, since it imports no live code."""
    from mailer.partitions import are_tables_there, ensure_partitions

    if are_tables_there():
        ensure_partitions()
