from django.apps import AppConfig


class SluiceConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from django.contrib import admin

        from config import checks  # noqa: F401  (registers the system checks)

        # Unfold's index would be found first, so ours has another name.
        admin.site.index_template = "config/dashboard.html"
        admin.site.index_title = "Dashboard"
