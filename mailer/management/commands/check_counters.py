"""Compare the counters with the stored events, and exit 1 if they differ: `manage.py check_counters`."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from foundation.clock import database_now
from mailer.models import CounterCheck, EventTally
from mailer.outcomes.audit import DAY, EXAMPLES, continue_check, longest_days, open_check

STEP_SECONDS = 1.0


class Command(BaseCommand):
    help = "Compare the counters of accounts, batches and categories with the stored events"
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=1, help="the number of complete days (UTC) to compare")
        parser.add_argument(
            "--today", action="store_true", help="also compare this day, which is exact only while no mail is moving"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        longest = longest_days()
        if not 0 <= options["days"] <= longest:
            raise CommandError(f"--days must be 0 to {longest}. The events of earlier days are not all kept")
        midnight = database_now().astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        since, until = midnight - options["days"] * DAY, midnight + (DAY if options["today"] else 0 * DAY)
        if since == until:
            raise CommandError("No day to compare. Add --today, or --days with at least 1")
        self.stdout.write(f"Comparing {since:%Y-%m-%d} to {until - DAY:%Y-%m-%d}")
        check = open_check(since, until)
        try:
            self._run(check)
            check.refresh_from_db()
        finally:
            EventTally.objects.filter(check_id=check.pk).delete()
            CounterCheck.objects.filter(pk=check.pk).delete()
        for example in check.examples:
            self.stdout.write(self.style.ERROR(example))
        if check.differences > EXAMPLES:
            self.stdout.write(f"and {check.differences - EXAMPLES} more")
        if check.differences:
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS("The counters equal the stored events"))

    def _run(self, check: CounterCheck) -> None:
        """Continue until the check is finished, and print each partition that was read."""
        partition = check.position // settings.PARTITION_PARCELS
        last = max(check.end - 1, 0) // settings.PARTITION_PARCELS
        while not continue_check(check.pk, seconds=STEP_SECONDS):
            check.refresh_from_db(fields=["position"])
            for number in range(partition, check.position // settings.PARTITION_PARCELS):
                self.stdout.write(f"partition {number} of {last}: read")
            partition = max(partition, check.position // settings.PARTITION_PARCELS)
