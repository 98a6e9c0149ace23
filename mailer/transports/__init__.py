"""Send messages in one of several ways. `base` has the promises of a transport; each has a module or package."""

from __future__ import annotations

from django.conf import settings

from mailer.transports.checking import CheckedTransport


def open_transport() -> CheckedTransport:
    """Open the transport that the settings choose, once in each worker process, after it was forked.

    Raises ValueError, OSError or ImportError when the setting of that transport (SMTP_URL, EMAIL_BACKEND) cannot be
    used.
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
