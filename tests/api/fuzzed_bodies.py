"""Generate values and bodies that no client should send, for the fuzz tests of all APIs."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from tests.api.sendgrid.bodies import mail_body
from tests.examples import examples

FUZZ = settings(max_examples=examples(3))

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 2**63, 10**400, 1e308, 0.5])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["", "\0", "\ud800", "a@b.c", "\r\n", "text/plain", "d-" + "a" * 32, "aGk=", "\u2028"])
)

values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)

WHOLE_BODY = mail_body(
    personalizations=[
        {
            "to": [{"email": "john@example.com", "name": "John"}],
            "cc": [{"email": "cc@example.com"}],
            "bcc": [{"email": "bcc@example.com"}],
            "from": {"email": "me@example.com", "name": "Me"},
            "subject": "Mine",
            "headers": {"X-A": "1"},
            "substitutions": {"-a-": "1"},
            "custom_args": {"a": "1"},
            "dynamic_template_data": {"a": 1},
            "send_at": 1,
            "sent_at": 1,
        }
    ],
    reply_to={"email": "a@b.c", "name": "x"},
    reply_to_list=[],
    attachments=[{"content": "aGk=", "filename": "a", "type": "a/b", "disposition": "inline", "content_id": "x"}],
    headers={"X-B": "1"},
    categories=["a"],
    custom_args={"b": "1"},
    sections={"s": "t"},
    send_at=1,
    sent_at=1,
    ip_pool_name="pool",
    mail_settings={"footer": {"enable": True, "text": "t"}, "sandbox_mode": {"enable": False}},
    tracking_settings={"click_tracking": {"enable": True}},
)


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [below for key, inner in items for below in paths_of(inner, (*path, key))]


@st.composite
def mutated_bodies(draw: st.DrawFn, whole: dict[str, Any] = WHOLE_BODY) -> dict[str, Any]:
    """Generate valid bodies with some parts replaced, removed or added."""
    body = copy.deepcopy(whole)
    for path in draw(st.lists(st.sampled_from(paths_of(whole)), max_size=4)):
        node: Any = body
        try:
            for part in path[:-1]:
                node = node[part]
            if draw(st.booleans()):
                node[path[-1]] = draw(values)
            else:
                del node[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue
    return body
