"""Create a tenant from the command line: `manage.py create_account NAME`."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction

from accounts.models import Account


class Command(BaseCommand):
    help = "Create an account, or with --parent a subuser of another account."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="username: letters, digits and . _ @ -")
        parser.add_argument("--parent", help="username of its parent account")
        parser.add_argument("--if-missing", action="store_true", help="use the existing account of that name, if any")
        parser.add_argument("--json", action="store_true", help='print {"username": …, "id": …}')

    def handle(self, *args: Any, **options: Any) -> None:
        parent = find_parent(options["parent"]) if options["parent"] else None
        account = open_account(options["name"], parent, may_exist=options["if_missing"])
        if options["json"]:
            self.stdout.write(json.dumps({"username": account.username, "id": account.pk}))
        else:
            self.stdout.write(f"account {account.username} (id {account.pk})")


def find_parent(username: str) -> Account:
    parent = Account.objects.filter(username=username).first()
    if parent is None:
        raise CommandError(f"There is no account {username!r}, so it cannot be the parent.")
    if parent.parent_id is not None:
        # The gate only reads the status of an account and of its parent, so there is no third level.
        raise CommandError(f"{username!r} is a subuser itself, and a subuser cannot have subusers.")
    return parent


def open_account(username: str, parent: Account | None, *, may_exist: bool) -> Account:
    account = Account(username=username, parent=parent)
    try:
        account.clean_fields()
        with transaction.atomic():
            account.save()
    except ValidationError as error:
        raise CommandError(f"{username!r} cannot be a username: {' '.join(error.messages)}") from error
    except IntegrityError as error:
        if not may_exist:
            raise CommandError(f"An account {username!r} exists. Add --if-missing to use it.") from error
        return Account.objects.get(username=username)
    return account
