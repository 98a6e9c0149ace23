"""Inject faults for some minutes, then prove that no message was lost, sent twice or sent after a stop.

Every event has to arrive at the receivers of webhooks, too. The seed fixes the faults, their order and the callers'
requests, but not the timing of threads.
"""

from __future__ import annotations

import json
import random

from chaos.course import Outcome, run
from chaos.faults import FAULTS
from chaos.options import parser
from chaos.report import table
from stack import StackError
from stack.say import say, show

EXAMPLES = 10


def main(arguments: list[str]) -> int:
    """Run chaos and return 0 only if every promise was kept."""
    options = parser().parse_args(arguments)
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    faults = [fault for fault in FAULTS if options.only in fault.name]
    if not faults:
        raise StackError(
            f"No fault has {options.only!r} in its name. The faults are: {', '.join(fault.name for fault in FAULTS)}"
        )
    outcome = run(seconds=options.minutes * 60, seed=seed, faults=faults, logs=options.logs)
    say_breaches(outcome)
    show(json.dumps(outcome.report, indent=2) if options.json else table(outcome.report))
    return 0 if outcome.is_kept else 1


def say_breaches(outcome: Outcome) -> None:
    """Print the broken promises with examples, and the allowed exceptions."""
    for breach in outcome.verdict.breaches:
        say(f"BREACH: {breach}")
    verdict = outcome.verdict
    names = ("lost", "doubled", "sent_after_settled_stop", "sent_in_doubt", "miscounted", "wrong_figures")
    lists = {name: getattr(verdict, name) for name in names}
    lists |= {"events lost": verdict.events.lost, "events wrong": verdict.events.wrong}
    for name, breaches in lists.items():
        if breaches:
            say(f"{name}: {len(breaches)}, such as {', '.join(breaches[:EXAMPLES])}")
