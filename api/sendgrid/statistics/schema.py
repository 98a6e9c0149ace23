"""Describe the calls of `statistics/views.py` in the OpenAPI document."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import NUMBER, TEXT, Piece, Reply, component, list_of, one_of, record
from api.sendgrid.single_sends.inputs import MAX_IDS
from api.sendgrid.single_sends.schema import ids
from api.sendgrid.statistics.inputs import DAY, MAX_CHOSEN, TOTAL
from api.sendgrid.statistics.outputs import counters
from api.sendgrid.words import PAGE_TOKEN, UUID, marketing_call, page_size
from campaigns.statistics import Statistics

STATISTICS = "SendGrid: statistics of Single Sends"
DATE: Piece = {"type": "string", "format": "date"}
LINE = record(
    id=UUID,
    ab_variation=TEXT,
    ab_phase=TEXT,
    aggregation={**TEXT, "description": "`total`, or the day of the counters."},
    stats=component("Counters"),
)
LINK = record(url=TEXT, url_location=NUMBER, ab_variation=TEXT, ab_phase=TEXT, clicks=NUMBER)
COMPONENTS: dict[str, Piece] = {
    "Counters": record(**dict.fromkeys(counters(Statistics()), NUMBER)),
    "StatisticsPage": record(results=list_of(LINE), _metadata=component("PageMetadata")),
}
PAGE = [page_size(25, 50), PAGE_TOKEN]
ZONE = OpenApiParameter("timezone", {**TEXT, "default": "UTC"}, description="The name of a time zone.")

statistics = extend_schema_view(
    get=marketing_call(
        "list_single_send_statistics",
        "List the statistics of Single Sends, the newest first",
        tag=STATISTICS,
        query=[ids("singlesend_ids", MAX_CHOSEN, "Return only the entries with these ids."), *PAGE],
        replies={200: Reply("A page of the statistics.", component("StatisticsPage"))},
        refusals=[400],
    ),
)
one_single_sends_statistics = extend_schema_view(
    get=marketing_call(
        "get_single_send_statistics",
        "Get the statistics of a Single Send, in total or by day",
        tag=STATISTICS,
        query=[
            OpenApiParameter("aggregated_by", one_of([DAY, TOTAL]), description="Days without an event are left out."),
            OpenApiParameter("start_date", DATE, description="The first day."),
            OpenApiParameter("end_date", DATE, description="The last day."),
            ZONE,
            *PAGE,
        ],
        replies={200: Reply("The counters of the Single Send.", component("StatisticsPage"))},
        refusals=[400, 404, 408],
    ),
)
link_statistics = extend_schema_view(
    get=marketing_call(
        "get_single_send_link_statistics",
        "Get how often the links of a Single Send were clicked",
        tag=STATISTICS,
        query=PAGE,
        replies={
            200: Reply(
                "The links and the number of clicks.",
                record(results=list_of(LINK), _metadata=component("PageMetadata"), total_clicks=NUMBER),
            )
        },
        refusals=[400, 404],
    ),
)
exported_statistics = extend_schema_view(
    get=marketing_call(
        "export_single_send_statistics",
        "Export the statistics of Single Sends as CSV",
        tag=STATISTICS,
        query=[ids("ids", MAX_IDS, "The ids of the Single Sends.", is_required=True), ZONE],
        replies={200: Reply("Lines of CSV. The first line has the names of the columns.", TEXT, type="text/csv")},
        refusals=[400],
    ),
)
