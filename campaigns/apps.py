from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        from campaigns import sweep
        from mailer.sweep import add_duty

        for name, duty in sweep.DUTIES.items():
            add_duty(name, duty)
