from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class SiteConfig(admin_apps.AdminConfig):
    """The admin of Django with the site of the console."""

    default_site = "console.site.Site"
    default = False


class ConsoleConfig(AppConfig):
    name = "console"
    default = True

    def ready(self) -> None:
        from console.sign_ins import connect_signals, forget_in_turn
        from mailer.sweep import add_duty

        connect_signals()
        add_duty("forget_sign_ins", forget_in_turn)
