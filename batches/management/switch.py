"""Share the parts of the commands that freeze and thaw everything: the printed receipt, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from batches.errors import StatusConflict
from batches.models import Receipt


class SwitchCommand(BaseCommand):
    """Freeze or thaw everything. The exit code is 0 if the receipt is settled, 1 if not yet, 2 without any change."""

    switch: ClassVar[Callable[..., Receipt]]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", default="", help="the reason, which is kept in the receipt")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            receipt = type(self).switch(actor="command line", reason=options["reason"])
        except StatusConflict as error:
            raise CommandError(f"Nothing was changed: {error}.", returncode=2) from error
        description = describe(receipt)
        self.stdout.write(
            json.dumps(description) if options["json"] else "  ".join(f"{k} {v}" for k, v in description.items())
        )
        if not receipt.is_settled:
            raise CommandError("Not settled yet: the sweeper completes the receipt.", returncode=1)


def describe(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt for the terminal."""
    return {
        "receipt": receipt.public_id,
        "action": receipt.action,
        "settled": receipt.is_settled,
        "sent": receipt.sent,
        "stopped": receipt.stopped,
        "in_flight": receipt.in_flight,
        "in_doubt": receipt.in_doubt,
    }
