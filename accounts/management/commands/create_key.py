"""Create an API key from the command line and print it once: `manage.py create_key ACCOUNT`."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.keys import NAME_LENGTH, create_key
from accounts.models import Account
from foundation.errors import SluiceError


class Command(BaseCommand):
    help = "Create an API key of an account and print it. It cannot be shown again."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", help="username of the account")
        parser.add_argument("--name", default="command line", help="name of the key")
        parser.add_argument(
            "--scope", action="append", help="scope of the key; repeat it for several scopes; default: full access"
        )
        parser.add_argument("--json", action="store_true", help='print {"api_key": …, "api_key_id": …}')

    def handle(self, *args: Any, **options: Any) -> None:
        account = Account.objects.filter(username=options["account"]).first()
        if account is None:
            raise CommandError(f"There is no account {options['account']!r}.")
        if not 0 < len(options["name"]) <= NAME_LENGTH:
            raise CommandError(f"A key's name has 1 to {NAME_LENGTH} characters.")
        try:
            key, text = create_key(account, options["name"], options["scope"])
        except SluiceError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"api_key": text, "api_key_id": key.key_id}))
        else:
            self.stdout.write(text)
