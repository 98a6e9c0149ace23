"""Define the functions that generated code calls while it renders.

Context, depths, frames and block parameters are passed along as handlebars.js passes them: `depths` is the stack of
contexts that `../` climbs, a linked list of (context, rest); `frame` has the values of @index, @key, @first and @last,
and the frame around it; `params` is a linked list of (value, key, rest). Each is None where a template does not use it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from content.handlebars.limits import STEPS_BETWEEN_LOOKS, Run
from content.handlebars.values import (
    ESCAPES,
    LONG,
    UNDEFINED,
    charge_long,
    escape,
    find_special,
    is_equal,
    is_present,
    ordered_keys,
    to_text,
)

Depths = tuple[Any, Any] | None
Frame = tuple[int, Any, bool, bool, Any] | None
Params = tuple[Any, Any, Any] | None
Body = Callable[[list[str], Any, Depths, Frame, Params, Run], None]

FRAME_SLOTS: Final = {"index": 0, "key": 1, "first": 2, "last": 3}
NULL_CONTEXT: Final[dict[str, Any]] = {}
"""The context of a block within an iteration over null."""


def escaped(value: Any, run: Run) -> str:
    """Return what `{{value}}` renders."""
    if value.__class__ is str:
        if len(value) > LONG:
            charge_long(value, run.charge)
        return value.translate(ESCAPES) if find_special(value) else value
    return escape(to_text(value, run.charge))


def raw(value: Any, run: Run) -> str:
    """Return what `{{{value}}}` renders."""
    return value if value.__class__ is str else to_text(value, run.charge)


def insert(value: Any, default: Any, run: Run) -> Any:
    """Return a value, or the default if it is missing, null or empty; the default may begin with `default=`."""
    if is_present(value):
        return value
    text = raw(default, run)
    charge_long(text, run.charge)
    return text.removeprefix("default=")


def is_shown(value: Any, include_zero: Any) -> bool:
    """Return whether `#if` with `includeZero` renders its first branch."""
    if include_zero and not isinstance(value, bool) and value == 0 and isinstance(value, int | float):
        return True
    return bool(value) or isinstance(value, dict)


def context_above(depths: Depths, levels: int) -> Any:
    """Return the context that is this number of levels above."""
    for _ in range(levels):
        if depths is None:
            return UNDEFINED
        depths = depths[1]
    return UNDEFINED if depths is None else depths[0]


def data_variable(frame: Frame, levels: int, name: str, run: Run) -> Any:
    """Return the value of @index, @key, @first, @last or @root, this number of frames above."""
    for _ in range(levels):
        if frame is None:
            return UNDEFINED
        frame = frame[4]
    if name == "root":
        return run.root
    slot = FRAME_SLOTS.get(name)
    return UNDEFINED if slot is None or frame is None else frame[slot]


def pushed(context: Any, depths: Depths, run: Run) -> Depths:
    """Return the depths within a context. handlebars.js adds none that is (loosely) equal to the innermost."""
    if depths is None or context is depths[0] or is_equal(context, depths[0], run.charge):
        return depths
    return (context, depths)


def items_of(value: Any) -> tuple[Sequence[Any], Sequence[Any]]:
    """Return the keys and the values over which `#each` iterates."""
    if isinstance(value, list):
        return range(len(value)), value
    if isinstance(value, dict):
        keys = ordered_keys(value)
        return keys, [value[key] for key in keys]
    return (), ()


def each(
    value: Any, body: Body, weight: int, out: list[str], depths: Depths, frame: Frame, params: Params, run: Run
) -> bool:
    """Render the body, which uses no data variables, block parameters or `../`, for each item.

    Return whether there was any item. `weight` is the number of steps of one rendering of the body.
    """
    if value.__class__ is not list:
        _, value = items_of(value)
    count = len(value)
    if count * weight < STEPS_BETWEEN_LOOKS:
        run.charge(count * weight)
        for item in value:
            body(out, item, depths, frame, params, run)
    else:
        run.require(count * weight)
        for item in value:
            run.charge(weight)
            body(out, item, depths, frame, params, run)
    return count > 0


def each_with_names(
    value: Any, body: Body, weight: int, out: list[str], depths: Depths, frame: Frame, params: Params, run: Run
) -> bool:
    """Render the body for each item, with data variables and depths. Return whether there was any item."""
    keys, values = items_of(value)
    last = len(values) - 1
    run.require(len(values) * weight)
    for index, item in enumerate(values):
        run.charge(weight)
        inner = (index, keys[index], index == 0, index == last, frame)
        body(out, item, pushed(item, depths, run), inner, params, run)
    return last >= 0


def each_with_params(
    value: Any, body: Body, weight: int, out: list[str], depths: Depths, frame: Frame, params: Params, run: Run
) -> bool:
    """Render the body for each item, with data variables, depths and block parameters."""
    keys, values = items_of(value)
    last = len(values) - 1
    run.require(len(values) * weight)
    for index, item in enumerate(values):
        run.charge(weight)
        inner = (index, keys[index], index == 0, index == last, frame)
        body(out, item, pushed(item, depths, run), inner, (item, keys[index], params), run)
    return last >= 0


def section(
    value: Any,
    body: Body,
    weight: int,
    out: list[str],
    context: Any,
    depths: Depths,
    frame: Frame,
    params: Params,
    run: Run,
) -> bool:
    """Render `{{#value}}`: for each item of an array, within an object or another value, or once for true.

    Return whether anything was rendered; otherwise the inverse is.
    """
    if isinstance(value, list):
        return each_with_names(value, body, weight, out, depths, frame, params, run)
    if value is False or value is None or value is UNDEFINED:
        return False
    if value is True:
        body(out, context, depths, frame, params, run)
    else:
        body(out, value, pushed(value, depths, run), frame, params, run)
    return True


def nothing(out: list[str], context: Any, depths: Depths, frame: Frame, params: Params, run: Run) -> None:
    """Render an empty branch."""
