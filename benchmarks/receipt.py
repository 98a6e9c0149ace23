"""Build a receipt as a dynamic template of SendGrid's users: 16 KB of HTML for mail programs, with three items.

The size, the helpers and the number of tags are those of the receipt among SendGrid's example templates. The text and
the mark-up are built here from a few pieces.
"""

from __future__ import annotations

from typing import Any, Final

CELL: Final = "font-family:Verdana,Geneva,sans-serif;font-size:14px;line-height:22px;color:#2b2b33;padding:12px 18px;"
TABLE: Final = '<table role="presentation" border="0" cellpadding="0" cellspacing="0" width="100%"'
SHOPS: Final = (
    "Harbour Street",
    "Old Mill",
    "Station Square",
    "Garden Row",
    "Chapel Hill",
    "Bridge End",
    "North Quay",
    "Market Hall",
)

STYLES: Final = "\n".join(
    f"      .{name} {{ {rule} }}\n      @media screen and (max-width:{width}px) {{\n"
    f"        .{name}, .{name} td {{ display: block !important; width: 100% !important; padding: 0 !important; }}\n"
    "      }"
    for name, rule, width in (
        ("frame", "width: 100% !important; table-layout: fixed; -webkit-text-size-adjust: 100%;", 480),
        ("picture", "max-width: 100% !important; height: auto !important; -ms-interpolation-mode: bicubic;", 480),
        ("half", "width: 50%; vertical-align: top; mso-table-lspace: 0pt; mso-table-rspace: 0pt;", 520),
        ("third", "width: 33.333%; vertical-align: top; mso-table-lspace: 0pt; mso-table-rspace: 0pt;", 520),
        ("action", "display: inline-block; text-decoration: none; border-radius: 4px; font-weight: bold;", 600),
    )
)


def module(content: str, background: str = "#ffffff") -> str:
    """Return a row of the mail, as editors write it."""
    return (
        f'            {TABLE} class="frame" style="table-layout:fixed;">\n'
        "              <tbody>\n"
        "                <tr>\n"
        f'                  <td valign="top" align="center" bgcolor="{background}" style="{CELL}">\n'
        f"                    {content}\n"
        "                  </td>\n"
        "                </tr>\n"
        "              </tbody>\n"
        "            </table>\n"
    )


def column(content: str) -> str:
    return f'<td class="third" style="width:200px;max-width:33.333%;{CELL}"><div>{content}</div></td>'


def row(*columns: str) -> str:
    cells = "\n".join(f"                      {column(content)}" for content in columns)
    return f"                    <tr>\n{cells}\n                    </tr>\n"


PICTURE: Final = '<img class="picture" border="0" style="display:block;width:100%;" src="{{this.image}}" width="200">'
ITEMS: Final = (
    f'            {TABLE} align="center">\n              <tbody>\n'
    "                    {{#each items}}\n"
    f"{row(PICTURE, '{{this.text}}', '{{this.price}}')}"
    "                    {{/each}}\n"
    f"{row('&nbsp;', '&nbsp;', '&nbsp;')}{row('&nbsp;', '<strong>Sum</strong>', '<strong>{{total}}</strong>')}"
    "              </tbody>\n            </table>\n"
)
ADDRESS: Final = "".join(
    module(f'<span style="color:#44444f;">{line}</span>')
    for line in ("{{customer.name}}", "{{address.first}}", "{{address.second}}", "{{city}}, {{state}} {{zip}}")
)
LINKS: Final = "".join(
    module(
        f'<a class="action" href="https://shop.example/places/{shop.lower().replace(" ", "-")}" target="_blank" '
        f'style="background-color:#21505f;color:#ffffff;padding:10px 24px;">Visit us at {shop}</a>'
    )
    for shop in SHOPS
)
HEAD: Final = (
    '<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml">\n  <head>\n'
    '    <meta http-equiv="Content-Type" content="text/html; charset=utf-8" />\n'
    '    <meta name="viewport" content="width=device-width, initial-scale=1" />\n'
    f'    <style type="text/css">\n{STYLES}\n    </style>\n  </head>\n'
)
TEMPLATE: Final = (
    f'{HEAD}  <body style="margin:0;background-color:#e9ecef;">\n    <center class="frame">\n'
    f"{module('Thank you for shopping with us.', '#f4f5f7')}\n"
    "  {{#if receipt}}\n"
    f"{module('<h2>Your receipt</h2>')}{ITEMS}{module('', '#e9ecef')}"
    "  {{/if}}\n"
    f"{module('<h2>We deliver to</h2>')}{ADDRESS}{module('', '#e9ecef')}{LINKS}"
    f"{module('You get this mail because you ordered from our shop. ' * 37, '#f4f5f7')}"
    "    </center>\n  </body>\n</html>\n"
)


def data(number: int) -> dict[str, Any]:
    """Return the data of one recipient."""
    items = [("Walking boots", "79.95"), ("Rain jacket & hood", "120.50"), ("Socks, 3 pairs", "12.00")]
    return {
        "receipt": True,
        "total": "$ 212.45",
        "items": [
            {"text": text, "image": f"https://img.shop.example/items/{number}/{place}.png", "price": f"$ {price}"}
            for place, (text, price) in enumerate(items)
        ],
        "customer": {"name": f"Customer {number}"},
        "address": {"first": f"{number} Long Lane", "second": "Flat 7"},
        "city": "Springfield",
        "state": "CO",
        "zip": f"{80000 + number % 1000}",
    }
