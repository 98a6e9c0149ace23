from django.apps import AppConfig


class MailerConfig(AppConfig):
    name = "mailer"
    verbose_name = "Mail"

    def ready(self) -> None:
        from mailer import worker  # noqa: F401  (connects the Celery worker's signals)
