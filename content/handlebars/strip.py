"""Remove the white space that `~` and tags alone on their lines remove.

The rules are those of `whitespace-control.js` of handlebars.js 4.7. Whether a tag is alone on its line is decided by
the text as written, before other tags remove white space from it.
"""

from __future__ import annotations

from content.handlebars.tree import Block, Comment, Node, Program, Text
from content.handlebars.values import SPACES

BLANKS = " \t"


def strip_program(program: Program, *, is_root: bool) -> None:
    """Strip the text around the tags of one body, whose blocks are stripped already."""
    body = program.body
    for index, node in enumerate(body):
        if isinstance(node, Text):
            continue
        is_after_line = ends_line(body, index, is_root=is_root)
        is_before_line = begins_line(body, index, is_root=is_root)
        opening, closing = (node.open_strip, node.close_strip) if isinstance(node, Block) else (node.strip, node.strip)
        if closing.behind:
            strip_right_of(body, index, is_complete=True)
        if opening.before:
            strip_left_of(body, index, is_complete=True)
        if isinstance(node, Comment) and is_after_line and is_before_line:
            strip_right_of(body, index)
            strip_left_of(body, index)
        if isinstance(node, Block) and node.is_open_standalone and is_after_line:
            strip_right_of(first_branch(node).body, -1)
            strip_left_of(body, index)
        if isinstance(node, Block) and node.is_close_standalone and is_before_line:
            strip_right_of(body, index)
            last = (node.inverse or first_branch(node)).body
            strip_left_of(last, len(last))


def first_branch(block: Block) -> Program:
    branch = block.program or block.inverse
    assert branch
    return branch


def strip_block(block: Block) -> None:
    """Strip the text within a block that its begin, `else` and end touch, and note whether they are alone on a line."""
    program = first_branch(block)
    body = program.body
    inverse = block.inverse if block.program else None
    first_inverse = inverse
    if inverse and inverse.is_chained:
        link = inverse.body[0]
        assert isinstance(link, Block)
        first_inverse = link.program
    block.is_open_standalone = begins_line(body, -1, is_root=False)
    last = (first_inverse or program).body
    block.is_close_standalone = ends_line(last, len(last), is_root=False)
    if block.open_strip.behind:
        strip_right_of(body, -1, is_complete=True)
    if first_inverse:
        strip_around_inverse(block, body, first_inverse.body)
    elif block.close_strip.before:
        strip_left_of(body, len(body), is_complete=True)


def strip_around_inverse(block: Block, body: list[Node], inverse: list[Node]) -> None:
    assert block.inverse_strip
    if block.inverse_strip.before:
        strip_left_of(body, len(body), is_complete=True)
    if block.inverse_strip.behind:
        strip_right_of(inverse, -1, is_complete=True)
    if block.close_strip.before:
        strip_left_of(inverse, len(inverse), is_complete=True)
    if ends_line(body, len(body), is_root=False) and begins_line(inverse, -1, is_root=False):
        strip_left_of(body, len(body))
        strip_right_of(inverse, -1)


def ends_line(body: list[Node], index: int, *, is_root: bool) -> bool:
    """Return whether nothing but white space is between the node at `index` and the begin of its line."""
    if index == 0:
        return is_root
    before = body[index - 1]
    if not isinstance(before, Text):
        return False
    text = before.original.rstrip(SPACES)
    return "\n" in before.original[len(text) :] or (is_root and index == 1 and not text)


def begins_line(body: list[Node], index: int, *, is_root: bool) -> bool:
    """Return whether nothing but white space is between the node at `index` and the end of its line."""
    if index + 1 == len(body):
        return is_root
    behind = body[index + 1]
    if not isinstance(behind, Text):
        return False
    text = behind.original.lstrip(SPACES)
    blank = behind.original[: len(behind.original) - len(text)]
    return "\n" in blank or (is_root and index + 2 == len(body) and not text)


def strip_right_of(body: list[Node], index: int, *, is_complete: bool = False) -> None:
    """Remove white space at the begin of the text behind a node: up to the end of the line, or all of it."""
    if index + 1 == len(body):
        return
    text = body[index + 1]
    if not isinstance(text, Text) or (text.is_right_stripped and not is_complete):
        return
    value = text.value.lstrip(SPACES if is_complete else BLANKS)
    if not is_complete:
        value = value.removeprefix("\r").removeprefix("\n")
    text.is_right_stripped = value != text.value
    text.value = value


def strip_left_of(body: list[Node], index: int, *, is_complete: bool = False) -> None:
    """Remove white space at the end of the text before a node: back to the begin of the line, or all of it."""
    if index == 0:
        return
    text = body[index - 1]
    if not isinstance(text, Text) or (text.is_left_stripped and not is_complete):
        return
    value = text.value.rstrip(SPACES if is_complete else BLANKS)
    text.is_left_stripped = value != text.value
    text.value = value
