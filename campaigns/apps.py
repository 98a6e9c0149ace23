from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        from campaigns.sweep import DUTIES
        from mailer.sweep import add_duty

        for name, duty in DUTIES.items():
            add_duty(name, duty)
