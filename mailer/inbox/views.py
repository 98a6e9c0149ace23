"""Show the pages of the local inbox to operators who may see messages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from foundation.admin import tell_time, write_time
from foundation.clock import database_now
from mailer.inbox.maildir import SHOWN, Received, list_newest, read_message


def may_see_inbox(request: HttpRequest) -> bool:
    """Return whether there is an inbox, and this operator may see mail."""
    return bool(settings.LOCAL_INBOX) and request.user.has_perm("mailer.view_message")


def show_inbox(request: HttpRequest) -> HttpResponse:
    """Show the newest messages."""
    maildir = find_inbox(request)
    table = tabulate_received(list_newest(maildir), database_now())
    return show(request, "mailer/inbox.html", title="Inbox", table=table, shown=SHOWN, maildir=maildir)


def show_received(request: HttpRequest, name: str) -> HttpResponse:
    """Show one message."""
    preview = read_message(find_inbox(request), name)
    if preview is None:
        raise Http404
    return show(request, "mailer/received.html", title="Received message", preview=preview)


def find_inbox(request: HttpRequest) -> Path:
    """Return the Maildir. Raises Http404 without an inbox, and PermissionDenied for users who may not see messages."""
    if not settings.LOCAL_INBOX:
        raise Http404
    if not may_see_inbox(request):
        raise PermissionDenied
    return Path(settings.LOCAL_INBOX)


def tabulate_received(received: Iterable[Received], now: dt.datetime) -> dict[str, Any]:
    """Return the lines of the inbox for unfold's table."""
    return {
        "headers": ["Subject", "From", "To", "Arrived (UTC)", "", "Size"],
        "rows": [
            [
                format_html(
                    '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>',
                    reverse("inbox_message", args=[message.name]),
                    message.subject or "(no subject)",
                ),
                message.sender,
                message.recipients,
                write_time(message.received_at),
                tell_time(message.received_at, now),
                filesizeformat(message.size),
            ]
            for message in received
        ],
    }


def show(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})
