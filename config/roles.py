"""Make the groups Viewer, Operator and Administrator, and grant them their permissions.

A permission is granted once, by the `migrate` that creates it: a new installation gets all three groups, and later
releases grant what they add. Nothing else is changed, so the changes of a superuser to a group stay, and a group that
was deleted is only created again for new permissions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.contrib.auth.models import Group, Permission
from django.db import DatabaseError, transaction

SEEN: Final = (
    *("accounts.account", "batches.batch", "batches.node", "batches.receipt", "mailer.message"),
    *("mailer.unsubscribegroup", "campaigns.accountterms", "campaigns.campaign", "campaigns.sender"),
    *("audience.contact", "audience.contactlist", "audience.job", "audience.segment"),
    *("content.design", "content.mailsettings", "content.template", "content.templateversion"),
    *("events.endpoint", "events.delivery"),
)
MANAGED: Final = (
    *("mailer.unsubscribegroup", "campaigns.campaign", "campaigns.sender"),
    *("audience.contact", "audience.contactlist", "audience.job", "audience.segment"),
    *("content.design", "content.template", "content.templateversion"),
)
RUN: Final = (
    *("accounts.account", "accounts.apikey", "auth.user", "campaigns.accountterms", "content.mailsettings"),
    *("django_celery_beat.periodictask", "django_celery_beat.intervalschedule"),
    *("django_celery_beat.crontabschedule", "django_celery_beat.clockedschedule", "django_celery_beat.solarschedule"),
)


def spell(models: tuple[str, ...], *actions: str) -> set[str]:
    """Return the permissions of these actions on these models, as `app.action_model`."""
    pairs = (model.split(".") for model in models)
    return {f"{app}.{action}_{model}" for app, model in pairs for action in actions}


VIEWER: Final = spell(SEEN, "view")
OPERATOR: Final = (
    VIEWER
    | spell(MANAGED, "add", "change", "delete")
    | spell(("accounts.account", "batches.batch", "events.endpoint"), "change")
)
"""The Operator stops, freezes and reschedules mail, and runs campaigns."""
ADMINISTRATOR: Final = (
    OPERATOR
    | spell(RUN, "view", "add", "change", "delete")
    | {"campaigns.verify_sender", "auth.view_group", "admin.view_logentry", "console.view_signin"}
)
"""The Administrator also manages accounts, keys, operators and beat's schedule. Only superusers grant permissions."""
ROLES: Final = {"Viewer": VIEWER, "Operator": OPERATOR, "Administrator": ADMINISTRATOR}

_before: set[int] = set()
"""The ids of the permissions that existed when this `migrate` began."""


def note_permissions(**_: Any) -> None:
    """Remember which permissions exist before the migrations (pre_migrate)."""
    _before.clear()
    try:
        with transaction.atomic():
            _before.update(Permission.objects.values_list("pk", flat=True))
    except DatabaseError:
        # The table is created by the migrations that follow.
        return


def grant_new_permissions(**_: Any) -> None:
    """Grant the permissions that did not exist before the migrations (post_migrate of the last app)."""
    is_first = not Group.objects.filter(name__in=ROLES).exists()
    for name, role in ROLES.items():
        new = [permission for permission in permissions_of(role) if is_first or permission.pk not in _before]
        if new:
            Group.objects.get_or_create(name=name)[0].permissions.add(*new)


def permissions_of(role: set[str]) -> Iterator[Permission]:
    """Yield the permissions of a role that exist in the database."""
    for permission in Permission.objects.select_related("content_type"):
        if f"{permission.content_type.app_label}.{permission.codename}" in role:
            yield permission
