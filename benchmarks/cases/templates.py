"""Case `templates`: compiling a receipt of 16 KB, and rendering it for many recipients on one core."""

from __future__ import annotations

import time

from benchmarks import receipt
from benchmarks.measured import Figure, Growth, Measured
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from content.handlebars import compile_template
from stack.say import say

RENDERINGS = 90_000
COMPILATIONS = 50
RECIPIENTS = 100


def measure(setting: Setting) -> Measured:
    """Measure the renderings of three sizes in this process, and the time of a compilation.

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
    return Measured(
        [
            Figure(
                "renderings/s, a core", {SLUICE: [size / cost for size, cost in zip(sizes, seconds, strict=True)]}, True
            ),
            Figure("compilation, ms", {SLUICE: [compile_once() for _ in range(setting.size(COMPILATIONS, quick=3))]}),
        ],
        [Growth("CPU seconds", sizes, seconds)],
        {"characters of the template": len(receipt.TEMPLATE)},
        is_sound=is_sound,
    )


def compile_once() -> float:
    """Return the milliseconds of CPU time that a compilation takes."""
    began_at = time.process_time()
    compile_template(receipt.TEMPLATE)
    return (time.process_time() - began_at) * 1000
