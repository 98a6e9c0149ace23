"""Answer the calls for the categories of an account's mail, and for its statistics.

They are those of the account itself, without its subusers, and true at the moment of the request.
"""

from __future__ import annotations

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.sendgrid.endpoint import Endpoint
from api.sendgrid.stats import inputs, outputs, schema
from api.sendgrid.suppressions.outputs import page_links
from audience.locks import expensive_call
from mailer.outcomes.categories import list_categories
from mailer.outcomes.figures import first_days, read_figures, sum_categories


@schema.statistics
class Statistics(Endpoint):
    scopes = {"GET": ("stats.global.read", "stats.read")}

    def get(self, request: Request) -> Response:
        days, length = inputs.read_days(request), inputs.read_length(request)
        dates = first_days(days, length)
        page = inputs.read_page(request, default=len(dates), highest=inputs.ANY_LIMIT)
        statistics = read_figures(self.account, outputs.FIGURES, days, length)
        shown = dates[page.offset : page.offset + page.limit]
        links = page_links(request._request, **page._asdict(), total=len(dates))
        return Response(outputs.write_global(shown, statistics), headers=links)


@schema.categories
class Categories(Endpoint):
    scopes = {"GET": "categories.read"}

    def get(self, request: Request) -> Response:
        """Answer with a page of names. The number of all is not known, so there is no link to the last page."""
        prefix = inputs.read_prefix(request)
        page = inputs.read_page(request, default=inputs.CATEGORIES_PAGE)
        with expensive_call(self.account.pk):
            names, has_more = list_categories(self.account, page, prefix=prefix)
        total = page.offset + len(names) + has_more
        links = page_links(request._request, **page._asdict(), total=total, relations=("next", "prev", "first"))
        return Response([{"category": name} for name in names], headers=links)


@schema.category_statistics
class CategoryStatistics(Endpoint):
    scopes = {"GET": "categories.stats.read"}

    def get(self, request: Request) -> Response:
        days, length = inputs.read_days(request), inputs.read_length(request)
        names = inputs.read_categories(request, self.account)
        statistics = read_figures(self.account, outputs.FIGURES, days, length, categories=names)
        return Response(outputs.write_categories(first_days(days, length), names, statistics))


@schema.category_sums
class CategorySums(Endpoint):
    scopes = {"GET": "categories.stats.sums.read"}

    def get(self, request: Request) -> Response:
        """Answer with the sums of the whole range, whatever `aggregated_by` is."""
        days, ranking = inputs.read_days(request, longest=None), inputs.read_ranking(request)
        inputs.read_length(request)
        page = inputs.read_page(request, default=inputs.SUMS_PAGE)
        with expensive_call(self.account.pk):
            sums = sum_categories(self.account, outputs.FIGURES, days, page, **ranking._asdict())
        stats = [outputs.write_category(name, figures) for name, figures in sums.items()]
        return Response({"date": days.first.isoformat(), "stats": stats})


urlpatterns: list[URLPattern] = [
    re_path(r"^stats/?$", Statistics.as_view()),
    re_path(r"^categories/?$", Categories.as_view()),
    re_path(r"^categories/stats/?$", CategoryStatistics.as_view()),
    re_path(r"^categories/stats/sums/?$", CategorySums.as_view()),
]
