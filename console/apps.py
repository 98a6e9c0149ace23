from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "console"

    def ready(self) -> None:
        from console.sign_ins import connect_signals, forget_in_turn
        from mailer.sweep import add_duty

        connect_signals()
        add_duty("forget_sign_ins", forget_in_turn)
