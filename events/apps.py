from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        from events import sweep
        from mailer.sweep import add_duty

        for name, duty in sweep.DUTIES.items():
            add_duty(name, duty)
