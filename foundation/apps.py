from django.apps import AppConfig
from django.db.backends.signals import connection_created

from foundation.sessions import turn_off_jit


class FoundationConfig(AppConfig):
    name = "foundation"

    def ready(self) -> None:
        """Set up each session with PostgreSQL when it begins."""
        connection_created.connect(turn_off_jit)
