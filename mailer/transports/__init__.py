"""How a message leaves. `base` says what every transport promises; one module or package for each way out."""

from __future__ import annotations

from django.conf import settings

from mailer.transports.checking import CheckedTransport


def open_transport() -> CheckedTransport:
    """The way out that the settings choose. Called once in each worker process, after it was forked.

    Raises ValueError, OSError or ImportError when the setting of that way (SMTP_URL, EMAIL_BACKEND) cannot be used.
    """
    if settings.TRANSPORT == "smtp":
        from mailer.transports.smtp import SmtpAddress, SmtpTransport

        return SmtpTransport(
            SmtpAddress.parse(settings.SMTP_URL),
            connections=settings.SMTP_CONNECTIONS,
            timeout_seconds=settings.SMTP_TIMEOUT_SECONDS,
        )
    if settings.TRANSPORT == "django":
        from mailer.transports.django_backend import DjangoBackendTransport

        return DjangoBackendTransport(settings.EMAIL_BACKEND)
    if settings.TRANSPORT == "sandbox":
        from mailer.transports.sandbox import SandboxTransport

        return SandboxTransport()
    raise ValueError(f"TRANSPORT is not a transport: {settings.TRANSPORT}")
