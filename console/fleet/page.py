"""Show the nodes, their processes and connections, and the services that they need."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from batches.admin.asking import Figure
from console.fleet.alarms import list_alarms, tell_age
from console.header import answer_live
from console.live import Part, Rights, embed, is_poll
from foundation.admin import draw_figure, draw_label, mark_numbers
from mailer.admin.drawing import draw_quote
from monitoring.fleet import FULL_MINUTE, TRACKED_MINUTES, Fleet, Node, Process, read_fleet

MAY_SEE = "batches.view_batch"
PROCESSES_SHOWN = 50
MEBIBYTE = 2**20
QUEUES = {
    "eta": "announces waves",
    "maintenance": "sweeps",
    "transactional": "delivers small requests, before bulk mail",
    "bulk": "delivers",
    "audience": "expands campaigns, imports contacts",
    "events": "delivers events to webhooks",
}


def show_fleet(request: HttpRequest) -> HttpResponse:
    """Show the page, or its live part."""
    if not request.user.has_perm(MAY_SEE):
        raise PermissionDenied
    if is_poll(request):
        return answer_live(request, PART)
    context = {**admin.site.each_context(request), "title": "Fleet", **embed(request, PART)}
    return TemplateResponse(request, "console/fleet/page.html", context)


def build_fleet(_: Rights) -> dict[str, Any]:
    """Return the context of the live part."""
    fleet = read_fleet()
    return {
        "alarms": list_alarms(fleet),
        "figures": _list_figures(fleet),
        "nodes": _tabulate_nodes(fleet),
        "processes": _tabulate_processes(fleet),
        "queues": _tabulate_queues(fleet),
        "services": _tabulate_services(fleet),
        "versions": fleet.versions,
    }


PART = Part("fleet", "console/fleet/part.html", build_fleet)


def _list_figures(fleet: Fleet) -> list[Figure]:
    processes = fleet.processes
    alive = [node for node in fleet.nodes if not node.is_silent]
    used, opened = (sum(getattr(each, name) for each in processes) for name in ("connections_used", "connections"))
    busy = sum(bool(process.batches) for process in processes)
    total = sum(node.concurrency for node in alive)
    return [
        Figure(
            "Nodes alive",
            len(alive),
            mark_numbers(f"of {len(fleet.nodes):,}", "fleet:nodes"),
            key="fleet:nodes_alive",
        ),
        Figure(
            "Processes with mail",
            busy,
            mark_numbers(f"of {total:,} that deliver", "fleet:processes"),
            key="fleet:processes_with_mail",
        ),
        Figure(
            "Being sent at this moment",
            used,
            mark_numbers(f"connections in use, {opened:,} open", "fleet:connections"),
            key="fleet:connections_used",
        ),
        Figure("Claimed by workers", sum(each.claimed for each in processes), "messages", key="all:claimed"),
    ]


def _tabulate_nodes(fleet: Fleet) -> dict[str, Any]:
    """Return the table of nodes. The replies of a node are those of its slowest process."""
    headers = ["Node", "State", f"Last {TRACKED_MINUTES} minutes", "Processes", "Connections"]
    headers += ["Replies (p50 / p95)", "Last error"]
    rows = [
        [
            node.name,
            _label_node(node),
            _draw_tracker(node, tell_age(node.seen_at, fleet.now)),
            _draw_busy(node),
            _draw_connections(node, f"node:{node.name}"),
            _draw_replies(node, f"node:{node.name}"),
            _draw_error(node, fleet),
        ]
        for node in fleet.nodes
    ]
    return {"headers": headers, "rows": rows}


def _label_node(node: Node) -> SafeString:
    if node.is_silent:
        return draw_label("silent", "danger")
    if node.silent_since is not None:
        return draw_label("peer hangs", "danger")
    return draw_label("at work", "success")


def _draw_tracker(node: Node, age: str) -> SafeString:
    """Return a bar for each minute. The texts have the same information as the colours."""
    minutes = [
        {"ago": ago, "share": f"{100 * share:.0f}", "level": _level(share)}
        for ago, share in zip(range(len(node.minutes), 0, -1), node.minutes, strict=True)
    ]
    full = sum(minute["level"] == "full" for minute in minutes)
    context = {"minutes": minutes, "full": full, "age": age, "name": node.name}
    return render_to_string("console/fleet/tracker.html", context)


def _level(share: float) -> str:
    """Return whether a node was there for a full minute, for a part of it, or not at all."""
    return "full" if share >= FULL_MINUTE else "part" if share else "none"


def _draw_busy(node: Node) -> str:
    if not node.concurrency:
        return "none deliver"
    busy = sum(bool(process.batches) for process in node.processes)
    key = f"node:{node.name}"
    return mark_numbers(f"{busy:,} of {node.concurrency:,} busy", f"{key}:processes_with_mail", f"{key}:processes")


def _draw_connections(owner: Node | Process, key: str) -> SafeString:
    text = f"{owner.connections_used:,} of {owner.connections:,} busy"
    return mark_numbers(text, f"{key}:connections_used", f"{key}:connections")


def _draw_replies(timed: Node | Process, key: str) -> str:
    if timed.reply_p50 is None or timed.reply_p95 is None:
        return ""
    p50, p95 = (_write_seconds(seconds) for seconds in (timed.reply_p50, timed.reply_p95))
    return format_html("{} / {}", draw_figure(f"{key}:reply_p50", p50), draw_figure(f"{key}:reply_p95", p95))


def _draw_last_reply(process: Process, fleet: Fleet) -> str:
    age = tell_age(process.replied_at, fleet.now)
    parts = [_draw_replies(process, f"process:{process.worker_id}"), f"the last {age}" if age else ""]
    return format_html_join(", ", "{}", ((part,) for part in parts if part))


def _draw_error(owner: Node | Process, fleet: Fleet) -> str:
    return draw_quote(f"{owner.error} ({tell_age(owner.error_at, fleet.now)})") if owner.error else ""


def _write_seconds(seconds: float) -> str:
    return f"{1000 * seconds:,.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"


def _tabulate_processes(fleet: Fleet) -> dict[str, Any]:
    """Return the table of the processes that have claimed mail, those that wait for the peer first."""
    headers = ["Process", "Node", "State", "Claimed", "Connections", "Replies (p50 / p95)", "Last error"]
    busy = [process for process in fleet.processes if process.batches]
    busy.sort(key=lambda process: (not process.is_silent, process.silent_since or fleet.now, process.worker_id))
    rows = [
        [
            format_html("<code>{}</code>", f"{process.worker_id % 2**32:08x}"),
            process.node,
            _label_process(process, fleet),
            draw_figure(f"process:{process.worker_id}:claimed", process.claimed),
            _draw_connections(process, f"process:{process.worker_id}"),
            _draw_last_reply(process, fleet),
            _draw_error(process, fleet),
        ]
        for process in busy[:PROCESSES_SHOWN]
    ]
    return {"headers": headers, "rows": rows}


def _label_process(process: Process, fleet: Fleet) -> SafeString:
    if process.is_silent:
        return draw_label("silent", "danger")
    if process.is_hanging and process.silent_since is not None:
        seconds = (fleet.now - process.silent_since).total_seconds()
        return draw_label(f"waits for the peer for {seconds:,.0f} s", "danger")
    return draw_label("sends" if process.is_sending else "between slices", "success")


def _tabulate_queues(fleet: Fleet) -> dict[str, Any]:
    rows = [[queue, draw_figure(f"queue:{queue}", length), QUEUES[queue]] for queue, length in fleet.queues]
    return {"headers": ["Queue", "Waiting tasks", "Purpose"], "rows": rows}


def _tabulate_services(fleet: Fleet) -> dict[str, Any]:
    broker, database = fleet.broker, fleet.database
    limit = f" of {broker.memory_limit_bytes / MEBIBYTE:,.0f}" if broker.memory_limit_bytes else ""
    memory = mark_numbers(
        f"{broker.memory_bytes / MEBIBYTE:,.1f}{limit} MiB, {broker.clients:,} clients, {broker.taken:,} tasks taken",
        "redis:memory",
        *(["redis:memory_limit"] if limit else []),
        "redis:clients",
        "redis:taken",
    )
    oldest = database.oldest_transaction
    transactions = "no open transaction" if oldest is None else f"the oldest transaction is {oldest:,.1f} s old"
    keys = [*([] if oldest is None else ["database:oldest_transaction"]), "database:sessions", "database:limit"]
    beat = "no task yet" if fleet.beat_age is None else f"last task {fleet.beat_age:,.1f} s ago"
    beat = beat if fleet.beat_age is None else mark_numbers(beat, "beat:age")
    rows = [
        ["Redis", _label_service("away" if broker.is_away else "at work"), "" if broker.is_away else memory],
        [
            "Database",
            _label_service("at work"),
            mark_numbers(f"{transactions}, {database.sessions:,} sessions of {database.session_limit:,}", *keys),
        ],
        ["Beat", _label_service("at work" if fleet.is_beat_there else "late"), beat],
    ]
    return {"headers": ["Service", "State", "Figures"], "rows": rows}


def _label_service(state: str) -> SafeString:
    return draw_label(state, "success" if state == "at work" else "danger")
