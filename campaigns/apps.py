from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        from campaigns import sweep
        from campaigns.audience import (
            job_sweep,
            lists,
            tasks,  # noqa: F401  (Celery itself looks only into an app's own folder)
        )
        from mailer.sweep import add_duty

        for name, duty in (sweep.DUTIES | job_sweep.DUTIES).items():
            add_duty(name, duty)
        add_duty("empty_deleted_lists", lists.empty_deleted_lists)
