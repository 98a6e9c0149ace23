"""Log in users of the admin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.test import Client


@contextmanager
def logged_in(username: str, *, may: tuple[str, ...] | None = None) -> Iterator[Client]:
    """Return the client of a staff member with these permissions (`batches.view_batch`), or of an operator with all."""
    user = User.objects.create_user(username, is_staff=True, is_superuser=may is None)
    for permission in may or ():
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client = Client()
    client.force_login(user)
    yield client
    user.delete()
    Session.objects.all().delete()
