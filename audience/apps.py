from django.apps import AppConfig


class AudienceConfig(AppConfig):
    name = "audience"

    def ready(self) -> None:
        from audience import lists
        from audience.jobs import sweep
        from mailer.sweep import add_duty

        for name, duty in sweep.DUTIES.items():
            add_duty(name, duty)
        add_duty("empty_deleted_lists", lists.empty_deleted_lists)
