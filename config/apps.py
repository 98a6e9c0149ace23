from django.apps import AppConfig


class SluiceConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate, pre_migrate

        from config import checks, roles  # noqa: F401  (registers the system checks)

        # This app is the last one, so the permissions of all others exist when its signal is sent.
        pre_migrate.connect(roles.note_permissions, sender=self)
        post_migrate.connect(roles.grant_new_permissions, sender=self)
