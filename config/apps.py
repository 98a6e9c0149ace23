from django.apps import AppConfig, apps


class SluiceConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate, pre_migrate

        from config import checks, consuming, roles  # noqa: F401  (registers system checks, connects Celery's signals)

        # The signals are only sent for apps with models. This is the last one, so all permissions exist by then.
        last = [app for app in apps.get_app_configs() if app.models_module][-1]
        pre_migrate.connect(roles.note_permissions, sender=last)
        post_migrate.connect(roles.grant_new_permissions, sender=last)
