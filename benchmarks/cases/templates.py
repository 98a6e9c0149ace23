"""Measure compiling a receipt of 16 KB, rendering it for many recipients on one core, and sending it (`templates`)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

from benchmarks import receipt
from benchmarks.contest import alone
from benchmarks.mail import name
from benchmarks.measured import Figure, Growth, Measured
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from benchmarks.sluice import ORDER, Kind, Sluice
from benchmarks.waves import Play, play, warm_up
from content.handlebars import compile_template
from stack.say import say

RENDERINGS = 90_000
COMPILATIONS = 50
RECIPIENTS = 100
WAVE = 10_000
ROUNDS = 3


def measure(setting: Setting) -> Measured:
    """Measure the renderings of three sizes in this process, the time of a compilation, and the drain of receipts.

    The renderings are of different data, and each is checked for the name of its recipient.
    """
    template = compile_template(receipt.TEMPLATE)
    recipients = [receipt.data(number) for number in range(RECIPIENTS)]
    is_sound = all(f"{data['customer']['name']}<" in template.render(data) for data in recipients)
    sizes = setting.sizes(RENDERINGS, quick=900)
    seconds = []
    for size in sizes:
        began_at = time.process_time()
        for number in range(size):
            template.render(recipients[number % RECIPIENTS])
        seconds.append(time.process_time() - began_at)
        say(f"  {size:,}: {size / seconds[-1]:,.0f} renderings/s")
    plays = play_kinds(setting, make_kinds)
    return Measured(
        [
            Figure(
                "renderings/s, a core", {SLUICE: [size / cost for size, cost in zip(sizes, seconds, strict=True)]}, True
            ),
            Figure("compilation, ms", {SLUICE: [compile_once() for _ in range(setting.size(COMPILATIONS, quick=3))]}),
            *(
                Figure(f"{kind}, messages/s", {SLUICE: [play.drained_per_second for play in of_kind]}, True)
                for kind, of_kind in plays.items()
            ),
            *(
                Figure(f"{kind}, accepted/s", {SLUICE: [play.accepted_per_second for play in of_kind]}, True)
                for kind, of_kind in plays.items()
            ),
            *(
                Figure(f"{kind}, CPU, µs/message", {SLUICE: [play.drain_cpu * 1e6 for play in of_kind]})
                for kind, of_kind in plays.items()
            ),
        ],
        [Growth("CPU seconds", sizes, seconds)],
        {"characters of the template": len(receipt.TEMPLATE)},
        is_sound=is_sound and all(play.is_sound for of_kind in plays.values() for play in of_kind),
    )


def compile_once() -> float:
    """Return the milliseconds of CPU time that a compilation takes."""
    began_at = time.process_time()
    compile_template(receipt.TEMPLATE)
    return (time.process_time() - began_at) * 1000


def play_kinds(setting: Setting, make_kinds: Callable[[Sluice], Iterator[tuple[str, Kind]]]) -> dict[str, list[Play]]:
    """Play waves of each kind of mail by one stack, in turns; return the plays by the name of the kind."""
    messages = setting.size(WAVE, quick=300)
    plays: dict[str, list[Play]] = {}
    with alone(setting) as (sluice, sink):
        per_second = warm_up(sluice, sink) / 3
        kinds = list(make_kinds(sluice))
        try:
            for number in range(setting.size(ROUNDS, quick=1)):
                for label, kind in kinds if number % 2 else reversed(kinds):
                    sluice.kind = kind
                    plays.setdefault(label, []).append(play(sluice, sink, messages, per_second=per_second))
                    say(f"  {label}: {plays[label][-1].drained_per_second:,.0f} messages/s")
        finally:
            sluice.kind = ORDER
    return dict(sorted(plays.items()))


def make_kinds(sluice: Sluice) -> Iterator[tuple[str, Kind]]:
    """Yield the kinds of mail: the usual one of 2 KB, and the receipt as plain HTML and as a dynamic template."""
    yield "order of 2 KB", ORDER
    html = compile_template(receipt.TEMPLATE).render(receipt.data(0))
    plain = {"subject": "Your receipt", "content": [{"type": "text/html", "value": html}]}
    customer = receipt.data(0)["customer"]["name"]
    yield "receipt without template", Kind(plain, lambda n: f'"substitutions":{{"{customer}":"{name(n)}"}}')
    template_id = sluice.ask("POST", "/v3/templates", {"name": "Receipt", "generation": "dynamic"})[1]["id"]
    version = {
        "name": "1",
        "subject": "Your receipt",
        "html_content": receipt.TEMPLATE,
        "generate_plain_content": False,
    }
    sluice.ask("POST", f"/v3/templates/{template_id}/versions", version)
    yield (
        "receipt as a template",
        Kind({"template_id": template_id}, lambda n: f'"dynamic_template_data":{json.dumps(receipt.data(n))}'),
    )
