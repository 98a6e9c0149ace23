"""Build templates and versions through the core, with the texts checked as little as a test needs."""

from __future__ import annotations

from typing import Any

from accounts.models import Account
from content.designs import create_design
from content.models import Design, Template, TemplateVersion
from content.templates import create_template
from content.versions import TextRules, create_version

RULES = TextRules(plain_text_of=lambda html: f"plain of {html}", check=lambda text, field: None)


def template_of(account: Account, name: str = "Welcome", *, is_dynamic: bool = True) -> Template:
    return create_template(account, name, is_dynamic=is_dynamic)


def design_of(account: Account, html: str = "<p>Hi</p>") -> Design:
    return create_design(account, plain_text_of=RULES.plain_text_of, name="News", html_content=html)


def version_of(template: Template, **fields: Any) -> TemplateVersion:
    values = {"name": "First", "subject": "Hello", "html_content": "<p>Hi</p>", **fields}
    return create_version(template.account, template.public_id, rules=RULES, **values)
