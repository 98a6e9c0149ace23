"""Create an operator, an account and a key for a new installation: `manage.py first_run`.

It is one command instead of three, since each start of Django takes a second or two.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.keys import create_key
from accounts.models import Account

ACCOUNT = "local"
OPERATOR = "operator"


class Command(BaseCommand):
    help = 'Create a first operator, account and API key; print {"api_key", "admin_username", "admin_password"}.'
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            username, password = create_operator()
            account, _ = Account.objects.get_or_create(username=ACCOUNT)
            _, key = create_key(account, "first run")
        logins = {"api_key": key, "admin_username": username, "admin_password": password}
        self.stdout.write(json.dumps(logins))


def create_operator() -> tuple[str, str]:
    """Create an operator and return username and password.

    If the usual username is taken, the operator gets another one, since the password of the first is not known.
    """
    users = get_user_model().objects
    taken = users.filter(username=OPERATOR).exists()
    username = f"{OPERATOR}-{secrets.token_hex(3)}" if taken else OPERATOR
    password = secrets.token_urlsafe(12)
    users.create_superuser(username=username, password=password, email=f"{username}@localhost")
    return username, password
