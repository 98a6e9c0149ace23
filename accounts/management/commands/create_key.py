"""`manage.py create_key ACCOUNT`: an API key, for those who have no browser. Its text is shown this once."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.keys import NAME_LENGTH, create_key
from accounts.models import Account
from foundation.errors import SluiceError


class Command(BaseCommand):
    help = "Creates an API key of an account and prints it. It cannot be shown again."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", help="username of the account")
        parser.add_argument("--name", default="command line", help="what to call the key")
        parser.add_argument("--scope", action="append", help="may be given several times; without it: full access")
        parser.add_argument("--json", action="store_true", help='answer {"api_key": …, "api_key_id": …}')

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
