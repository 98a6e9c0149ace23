from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        from campaigns.audience import tasks  # noqa: F401  (Celery itself looks only into an app's own folder)
        from campaigns.audience.job_sweep import DUTIES
        from mailer.sweep import add_duty

        for name, duty in DUTIES.items():
            add_duty(name, duty)
