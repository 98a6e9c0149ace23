"""Show the status and the counts of batches, for operators without a browser: `manage.py show_batch ID …`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from batches.counts import count_batch
from batches.models import Batch
from batches.states import BatchStatus


class Command(BaseCommand):
    help = "Show the status of batches, and how many of their messages are in each state."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("batch_ids", nargs="+", metavar="BATCH_ID")
        parser.add_argument("--json", action="store_true", help="one JSON object, a key per batch")

    def handle(self, *args: Any, **options: Any) -> None:
        descriptions = {public_id: describe(public_id) for public_id in options["batch_ids"]}
        if options["json"]:
            self.stdout.write(json.dumps(descriptions))
            return
        for public_id, facts in descriptions.items():
            counts = ", ".join(f"{number} {name}" for name, number in facts["counts"].items() if number)
            self.stdout.write(f"{public_id}  {facts['status']}: {counts or 'no messages'}")


def describe(public_id: str) -> dict[str, Any]:
    """Return a batch's status and counts."""
    batch = Batch.objects.filter(public_id=public_id).first()
    if batch is None:
        raise CommandError(f"there is no batch {public_id}")
    return {"status": BatchStatus(batch.status).label, "counts": asdict(count_batch(batch.pk))}
