"""Pages of the admin cannot load or run anything that a stranger's text names."""

from __future__ import annotations

import re

from django.test import Client

from foundation.responses import ADMIN_POLICY, PUBLIC_POLICY


def test_every_answer_of_the_admin_has_a_policy(operator: Client, client: Client) -> None:
    for answer in (operator.get("/admin/"), client.get("/admin/login/")):
        assert answer["Content-Security-Policy"] == ADMIN_POLICY
    assert operator.get("/admin/nowhere/")["Content-Security-Policy"] == PUBLIC_POLICY, "a page of errors has no script"


def test_pages_of_the_admin_need_no_inline_scripts(operator: Client) -> None:
    pages = ["/admin/", "/admin/waves/", "/admin/in-hand/", "/admin/inbox/", "/admin/accounts/apikey/add/"]
    for page in [*pages, "/admin/campaigns/campaign/add/", "/admin/auth/user/add/", "/admin/audience/job/"]:
        text = operator.get(page).content.decode()
        inline = [tag for tag in re.findall(r"<script[^>]*>", text) if "src=" not in tag and "json" not in tag]
        assert (page, inline) == (page, [])
        assert not re.search(r"<[^>]* on[a-z]+=", text), page
