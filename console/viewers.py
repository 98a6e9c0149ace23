"""Remember for some seconds who polls a page, so that a poll needs no statement.

An open page polls every 3 seconds. Without this, most of the cost of a poll would be to read the session and the
operator.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from redis import RedisError

from console.fragments import redis
from console.live import is_poll

REMEMBERED_SECONDS = 30.0
"""The time for which an open page goes on to refresh after its operator was locked out or lost a permission."""


class Viewer:
    """An active operator, of whom the permissions are remembered. Everything else is read from the database."""

    is_active = is_staff = is_authenticated = True

    def __init__(self, operator: Any, *, is_superuser: bool, permissions: frozenset[str]) -> None:
        self._operator = operator
        self.is_superuser = is_superuser
        self._permissions = permissions

    def has_perm(self, permission: str, obj: object = None) -> bool:
        """Return whether the operator has a permission, as Django's users do."""
        return self.is_superuser or permission in self._permissions

    def __getattr__(self, name: str) -> Any:
        """Return anything else that Django's users have."""
        return getattr(self._operator, name)


def remember_viewer(request: HttpRequest) -> None:
    """Take the operator of a poll from memory, before anything reads who it is."""
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if session and request.method == "GET" and is_poll(request):
        operator = request.user
        request.user = cast("Any", SimpleLazyObject(lambda: recall(session, operator)))


def recall(session: str, operator: Any) -> Any:
    """Return the viewer that is remembered for a session. Without one, remember and return the operator."""
    key = f"sluice:viewer:{hashlib.blake2b(session.encode(), digest_size=16).hexdigest()}"
    try:
        stored = redis().get(key)
        if isinstance(stored, bytes):
            facts = json.loads(stored)
            return Viewer(operator, is_superuser=facts["superuser"], permissions=frozenset(facts["permissions"]))
        if operator.is_active and operator.is_staff:
            permissions = [] if operator.is_superuser else sorted(operator.get_all_permissions())
            facts = {"superuser": operator.is_superuser, "permissions": permissions}
            redis().set(key, json.dumps(facts), px=int(REMEMBERED_SECONDS * 1000))
    except RedisError:
        pass
    return operator
