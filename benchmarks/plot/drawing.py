"""Draw the JSON of a run, from standard input, into the given PNG. It needs matplotlib and nothing else."""

from __future__ import annotations

import json
import sys
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

SLUICE, CEILING, PEERS = "#0b6e8a", "#c9ced3", ("#d9822b", "#8a5fb0", "#5b8c3a", "#b8475a", "#8a7a52")
INK, FAINT = "#24292f", "#8b949e"
PARTS = {"summary", "ratios", "targets", "growth", "facts", "curves", "is_sound"}
GROWTHS = {
    "drain": "seconds",
    "accept": "seconds",
    "accept-one": "seconds",
    "slow-sink": "seconds",
    "claim": "CPU seconds of the wave",
    "storage": "delivered, bytes",
    "trickle": "seconds of the bulk wave",
    "control": "pause, ms",
}
"""The cost that is drawn, by case."""


def draw(result: dict[str, Any], png: str) -> None:
    plt.rcParams.update({"font.size": 10, "axes.edgecolor": FAINT, "text.color": INK, "axes.labelcolor": INK})
    panels = [panel for panel in (rates, lateness, growth) if panel.__name__ in drawable(result)]
    figure, axes = plt.subplots(1, max(len(panels), 1), figsize=(6.2 * max(len(panels), 1), 5.2), squeeze=False)
    for panel, axis in zip(panels, axes[0], strict=False):
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(colors=INK)
        panel(axis, result)
    about = result["about"]
    figure.suptitle("Sluice beside its peers and its ceilings", x=0.01, ha="left", fontsize=15, fontweight="bold")
    quick = "A quick run: its figures mean nothing. " if about["is_quick"] else ""
    caption = f"{quick}{about['cores']} cores, {about['processor']}, {about['memory_gb']} GB; {about['at'][:10]}"
    figure.text(0.01, 0.905, caption, color=FAINT, fontsize=9)
    figure.tight_layout(rect=(0, 0, 1, 0.9), w_pad=3)
    figure.savefig(png, dpi=150, format="png")


def drawable(result: dict[str, Any]) -> set[str]:
    """Return the panels for which the result has data."""
    panels = {"rates": "drain" in result, "lateness": "lateness" in result}
    return {name for name, has_data in panels.items() if has_data} | ({"growth"} if grown(result) else set())


def colours(result: dict[str, Any]) -> dict[str, str]:
    """Return the colours of Sluice, the peers, and the ceilings."""
    everybody = [name for case in ("drain", "lateness") for name in result.get(case, {}) if name not in PARTS]
    ceilings = dict.fromkeys(result["about"]["ceilings"], CEILING)
    peers = [name for name in dict.fromkeys(everybody) if name not in {"sluice", *ceilings}]
    palette = {name: PEERS[number % len(PEERS)] for number, name in enumerate(peers)}
    return palette | ceilings | {"sluice": SLUICE}


def rates(axes: Axes, result: dict[str, Any]) -> None:
    """Draw bars: the drain of the wave that all contestants have played."""
    case = result["drain"]
    figure = next(iter(case["sluice"]))
    figures = {name: case[name][figure] for name in case if name not in PARTS and figure in case[name]}
    names = sorted(figures, key=lambda name: figures[name]["median"])
    medians = [figures[name]["median"] for name in names]
    palette = colours(result)
    bars = axes.barh(names, medians, color=[palette[name] for name in names], height=0.62)
    axes.bar_label(bars, [f"{median:,.0f}" for median in medians], padding=5, color=INK)
    axes.set_xscale("log")
    axes.set_xlim(min(medians) / 3, max(medians) * 4)
    axes.set_title(f"Drain of {figure.partition(', messages')[0]}: messages a second", loc="left", fontweight="bold")
    axes.grid(axis="x", color="#e6e8eb", zorder=0)
    axes.set_axisbelow(True)


def lateness(axes: Axes, result: dict[str, Any]) -> None:
    """Draw curves: the share of the wave that has arrived, by the time after its due time."""
    palette = colours(result)
    for name, curve in result["lateness"]["curves"].items():
        seconds, shares = [max(point[0], 0.01) for point in curve], [point[1] * 100 for point in curve]
        axes.plot(seconds, shares, color=palette[name], linewidth=3 if name == "sluice" else 1.8, label=name)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("seconds after send_at")
    axes.set_ylim(0, 102)
    axes.set_title("Delivered, % of the wave", loc="left", fontweight="bold")
    axes.grid(color="#e6e8eb")
    axes.legend(frameon=False, loc="upper left")


def growth(axes: Axes, result: dict[str, Any]) -> None:
    """Draw lines: the total cost of three and nine times the size."""
    lines = grown(result)
    largest = max(x for line in lines.values() for x in line[0])
    axes.plot([1, largest], [1, largest], color=FAINT, linestyle="--", linewidth=1.2, label="linear")
    for number, (name, (sizes, costs)) in enumerate(lines.items()):
        colour = (SLUICE, *PEERS, INK, FAINT)[number % (len(PEERS) + 3)]
        axes.plot(sizes, costs, color=colour, linewidth=1.8, marker="o", markersize=4, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("times the smallest size")
    axes.set_title("Sluice's cost, times that of the smallest size", loc="left", fontweight="bold")
    axes.grid(color="#e6e8eb")
    axes.legend(loc="upper left", fontsize=9, ncols=2, edgecolor="none", framealpha=0.85)


def grown(result: dict[str, Any]) -> dict[str, tuple[list[float], list[float]]]:
    """Return sizes and costs by case, both relative to the smallest."""
    growths = {}
    for case, name in GROWTHS.items():
        cost = result.get(case, {}).get("growth", {}).get(name)
        if cost and min(cost["costs"]) > 0:
            sizes, costs = ([value / values[0] for value in values] for values in (cost["sizes"], cost["costs"]))
            growths[case] = sizes, costs
    return growths


if __name__ == "__main__":
    draw(json.load(sys.stdin), sys.argv[1])
