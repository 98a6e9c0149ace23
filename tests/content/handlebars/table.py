"""List templates, data and the text that they render: one case for each rule, so that a failure names the rule.

`test_oracle.py` compares the same cases with handlebars.js.
"""

from __future__ import annotations

from typing import Any

Row = tuple[str, dict[str, Any], str]

ITEMS = {"items": [{"name": "A", "price": 1}, {"name": "B", "price": 2.5}], "currency": "EUR", "name": "Root"}
NESTED = {"a": [{"b": [1, 2], "n": "x"}, {"b": [], "n": "y"}], "n": "top"}

PATHS: list[Row] = [
    ("{{name}}", {"name": "Ann"}, "Ann"),
    ("{{ user.name }} {{user/name}} {{this.user.name}} {{./user.name}}", {"user": {"name": "Ann"}}, "Ann Ann Ann Ann"),
    ("[{{missing}}{{missing.too}}{{user.name}}]", {"user": None}, "[]"),
    ("{{[first name]}} {{user.[a b]}}", {"first name": "Ann", "user": {"a b": 1}}, "Ann 1"),
    ("{{items.[1].name}} {{items.0.name}} {{items.length}} {{currency.length}}", ITEMS, "B A 2 3"),
    ("{{constructor}}{{__proto__}}{{items.constructor}}{{a.toString}}", {"items": [], "a": {}}, ""),
    ("{{constructor}}", {"constructor": "own"}, "own"),
    ("{{12}} {{true}} {{'a b'}}", {"12": "x", "true": "y", "a b": "z"}, "x y z"),
    ("{{#if false}}x{{/if}}{{#with-dash}}y{{/with-dash}}", {"with-dash": True}, "y"),
    ("{{@root.name}} {{#each items}}{{@root.currency}}{{/each}}", ITEMS, "Root EUREUR"),
    ("{{a.b}}|{{@root.a.b}}", {"a": 0}, "|0"),
    ("{{value.[0]}}", {"value": "text"}, "t"),
    (
        "{{''}} {{[]}} {{#each a}}{{[].b}}{{../[].c}}{{/each}}",
        {"a": ["x"]},
        "[object Object] [object Object] x[object Object]",
    ),
]
OUTPUT: list[Row] = [
    (
        "{{x}}",
        {"x": "<a href=\"b\">'c' & `d`</a>"},
        "&lt;a href&#x3D;&quot;b&quot;&gt;&#x27;c&#x27; &amp; &#x60;d&#x60;&lt;/a&gt;",
    ),
    ("{{{x}}} {{&x}}", {"x": "<b>"}, "<b> <b>"),
    ("{{a}} {{b}} {{c}}{{d}}", {"a": True, "b": False, "c": None}, "true false "),
    ("{{a}} {{{b}}}", {"a": 0, "b": False}, "0 false"),
    ("{{a}} {{{a}}}", {"a": [1, [2, None, "<"], {}]}, "1,2,,&lt;,[object Object] 1,2,,<,[object Object]"),
    ("{{a}}", {"a": {}}, "[object Object]"),
    ("{{a}} {{b}} {{c}} {{d}} {{e}}", {"a": 1.0, "b": 1e21, "c": 1e-7, "d": -0.0, "e": 0.1}, "1 1e+21 1e-7 0 0.1"),
    (
        "{{a}} {{b}} {{c}}",
        {"a": 2**53 + 1, "b": 123456789012345678901234, "c": 1.5e300},
        "9007199254740992 1.2345678901234569e+23 1.5e+300",
    ),
    ("{{a}} {{b}} {{c}}", {"a": 1e20, "b": 123.456, "c": 0.000001}, "100000000000000000000 123.456 0.000001"),
    ("{{a}} {{b}}", {"a": 10**400, "b": -(10**400)}, "Infinity -Infinity"),
    ("{{{a}}}{{{b}}}", {"a": 1, "b": 2}, "12"),
]
ESCAPED_TAGS: list[Row] = [
    (r"\{{x}} {{x}}", {"x": 1}, "{{x}} 1"),
    (r"\\{{x}}", {"x": 1}, r"\1"),
    (r"\\\{{x}}", {"x": 1}, r"\\1"),
    (r"a \{{x}} \{{y}} b", {}, "a {{x}} {{y}} b"),
    ("{ {{x}} } { y }", {"x": 1}, "{ 1 } { y }"),
    ("{{! }}a{{!-- }} --}}b{{!}}c{{!--}}d", {}, "abcd"),
]
WHITE_SPACE: list[Row] = [
    (" {{~x~}} \n y", {"x": 1}, "1y"),
    (" {{~{x}~}} y", {"x": 1}, "1y"),
    ("a\n  {{#if x}}  \n  b\n  {{else}}\n  c\n  {{/if}}  \nd", {"x": 1}, "a\n  b\nd"),
    ("a\n  {{#if x}}\n  b\n  {{else}}\n  c\n  {{/if}}\nd", {}, "a\n  c\nd"),
    ("a\n{{! note }}\nb", {}, "a\nb"),
    ("a\r\n{{#x}}\r\nb\r\n{{/x}}\r\nc", {"x": True}, "a\r\nb\r\nc"),
    ("a {{#if x}} b {{~else~}} c {{/if}} d", {}, "a c  d"),
    ("a\n{{#if x~}}\n b\n{{~/if}}\nc", {"x": 1}, "a\nbc"),
    ("  {{#x}}\n  {{/x}}  ", {"x": True}, ""),
    ("{{#if a}}\n1\n{{else if b}}\n2\n{{else}}\n3\n{{/if}}\n", {"b": 1}, "2\n"),
    ("a {{x}}\nb", {"x": 1}, "a 1\nb"),
    # In handlebars.js the flags of the end reach the second `else` with a condition, and no later one.
    ("{{#if a}}1{{else if b}}2{{else if c}} 3 {{~/if}}", {"c": 1}, " 3"),
    ("{{#if a}}1{{else if b}}2{{else if c}}3{{else if d}} 4 {{~/if}}", {"d": 1}, " 4 "),
    ("\ufeff {{~x}}", {"x": 1}, "1"),
    ("\x1f {{~x}}", {"x": 1}, "\x1f1"),
]
CONDITIONS: list[Row] = [
    *(("{{#if x}}yes{{else}}no{{/if}}", {"x": x}, "no") for x in (False, None, "", 0, 0.0, [])),
    *(("{{#if x}}yes{{else}}no{{/if}}", {"x": x}, "yes") for x in (True, "0", 1, -1, [0], {}, " ")),
    ("{{#if x}}yes{{else}}no{{/if}}", {}, "no"),
    ("{{#if x includeZero=true}}yes{{/if}}{{#if y includeZero=true}}no{{/if}}", {"x": 0, "y": ""}, "yes"),
    ("{{#if a}}1{{else if b}}2{{else if c}}3{{else}}4{{/if}}", {"c": 1}, "3"),
    ("{{#if a}}1{{else if b}}2{{/if}}", {}, ""),
    ("{{#unless x}}yes{{else}}no{{/unless}}", {"x": 0}, "yes"),
    ("{{#if a}}1{{else unless b}}2{{else}}3{{/if}}", {}, "2"),
    ("{{^if a}}1{{else}}2{{/if}}", {"a": 1}, "2"),
    ("{{#if a}}{{#if b}}1{{/if}}{{x}}{{/if}}", {"a": 1, "b": 1, "x": 2}, "12"),
    ("{{#and a b}}1{{else}}0{{/and}}{{#or a b}}1{{else}}0{{/or}}", {"a": 1, "b": ""}, "01"),
    ("{{#and a b}}1{{else}}0{{/and}}", {"a": [], "b": {}}, "1"),
    ("{{#or a b c}}1{{else}}0{{/or}}", {"c": 1}, "1"),
    ("{{#if (and (greaterThan a 1) (equals b 'x'))}}1{{/if}}", {"a": 2, "b": "x"}, "1"),
]
COMPARISONS: list[Row] = [
    ('{{#equals 3 "3"}}1{{/equals}}{{#equals true "1"}}2{{/equals}}{{#equals x null}}3{{/equals}}', {}, "123"),
    ('{{#equals x ""}}1{{else}}0{{/equals}}{{#equals 0 ""}}1{{/equals}}{{#equals 0 null}}2{{/equals}}', {}, "01"),
    ('{{#equals a "1,2"}}1{{/equals}}{{#equals b "[object Object]"}}2{{/equals}}', {"a": [1, 2], "b": {}}, "12"),
    ("{{#equals a b}}1{{else}}0{{/equals}}{{#equals a a}}1{{/equals}}", {"a": [1], "b": [1]}, "01"),
    ('{{#equals a "0x10"}}1{{/equals}}{{#equals a " 16 "}}2{{/equals}}', {"a": 16}, "12"),
    ('{{#notEquals a "b"}}1{{else}}0{{/notEquals}}', {"a": "b"}, "0"),
    ('{{#greaterThan a "9"}}1{{else}}0{{/greaterThan}}', {"a": 10}, "1"),
    ('{{#greaterThan a "9"}}1{{else}}0{{/greaterThan}}', {"a": "10"}, "0"),
    ("{{#lessThan missing 1}}1{{else}}0{{/lessThan}}{{#lessThan nothing 1}}1{{/lessThan}}", {"nothing": None}, "01"),
    ('{{#lessThan "a" 1}}1{{else}}0{{/lessThan}}{{#lessThan 1 "a"}}1{{else}}0{{/lessThan}}', {}, "00"),
    ('{{#lessThan "😀" "\ufffd"}}1{{else}}0{{/lessThan}}', {}, "1"),
    ("{{#greaterThan (length a) 1}}1{{/greaterThan}}{{length a}}{{length b}}{{length 5}}", {"a": "ab😀"}, "1400"),
    ("{{#greaterThan 0 length a}}full{{else}}empty{{/greaterThan}}", {"a": [1]}, "full"),
    ("{{#greaterThan 0 length a}}full{{else}}empty{{/greaterThan}}", {"a": []}, "empty"),
]
ITERATIONS: list[Row] = [
    ("{{#each items}}{{name}}={{this.price}} {{../currency}};{{/each}}", ITEMS, "A=1 EUR;B=2.5 EUR;"),
    ("{{#each a}}{{@index}}{{@key}}{{#if @first}}<{{/if}}{{#if @last}}>{{/if}}{{/each}}", {"a": "x"}, ""),
    ("{{#each a}}{{@index}}{{@key}}{{@first}}{{@last}} {{/each}}", {"a": [5, 6]}, "00truefalse 11falsetrue "),
    ("{{#each a}}{{@key}}:{{this}}@{{@index}} {{/each}}", {"a": {"z": 1, "b": 2}}, "z:1@0 b:2@1 "),
    ("{{#each a}}{{@key}} {{/each}}", {"a": {"b": 1, "10": 1, "2": 1, "01": 1}}, "2 10 b 01 "),
    ("{{#each a}}x{{else}}none{{/each}}{{#each missing}}x{{/each}}", {"a": []}, "none"),
    (
        "{{#each a}}{{#each b}}{{this}}{{../n}}{{../../n}}{{@../index}} {{else}}-{{n}}{{/each}}{{/each}}",
        NESTED,
        "1xtop0 2xtop0 -y",
    ),
    ("{{#each a as |x i|}}{{i}}{{x.n}}{{#each x.b as |y|}}{{y}}{{x.n}}{{/each}}{{/each}}", NESTED, "0x1x2x1y"),
    ("{{#each a}}{{#if true}}{{../n}}{{/if}}{{/each}}", NESTED, "toptop"),
    ("{{#each a}}[{{this}}]{{#if true}}{{this}}{{/if}}{{/each}}", {"a": [None]}, "[][object Object]"),
    ("{{#each a}}{{#each ../b}}{{../x}}{{/each}}{{/each}}", {"a": [1], "b": [1], "x": "root"}, "root"),
    ("{{#each a}}{{#each ../b}}{{../x}}{{/each}}{{/each}}", {"a": [1], "b": ["1"], "x": "root"}, "root"),
    ("{{#each a}}{{.}}{{/each}}{{#each .}}{{@key}}{{/each}}", {"a": [1, "<", False]}, "1&lt;falsea"),
    ("{{#each a}}{{#each this}}{{.}},{{/each}};{{/each}}", {"a": [[1, 2], [3]]}, "1,2,;3,;"),
]
SECTIONS: list[Row] = [
    ("{{#a}}{{b}}{{../c}}{{/a}}", {"a": {"b": 1}, "c": 2}, "12"),
    ("{{#a}}{{this}}{{@index}}{{/a}}", {"a": [5, 6]}, "5061"),
    ("{{#a}}{{b}}{{/a}}", {"a": True, "b": 1}, "1"),
    ("{{#a}}x{{^}}y{{/a}}{{^a}}z{{/a}}", {"a": []}, "yz"),
    ("{{#a}}x{{else}}y{{/a}}", {"a": 0}, "x"),
    ("{{^a}}x{{else}}y{{/a}}", {"a": ""}, "y"),
    ("{{#a.b}}{{this}}{{/a.b}}", {"a": {"b": "text"}}, "text"),
    ("{{#a}}1{{else b}}2{{else}}3{{/a}}", {"b": 1}, "2"),
]
HELPERS: list[Row] = [
    ('{{insert a "default=Customer"}} {{insert b "your business"}}', {"b": "<x>"}, "Customer &lt;x&gt;"),
    ('{{insert a "default=A"}}{{insert b "default=B"}}{{insert c "default=C"}}', {"a": "", "b": None, "c": 0}, "AB0"),
    ('{{{insert a "default=<b>"}}}{{insert a b}}{{insert a}}', {"b": "default=x"}, "<b>x"),
    (
        "{{formatDate t f}}",
        {"t": "2020-01-01T23:00:00.000Z", "f": "MMMM DD, YYYY h:mm:ss A"},
        "January 01, 2020 11:00:00 PM",
    ),
    (
        '{{formatDate t f "-0800"}}',
        {"t": "2020-01-01T23:00:00.000Z", "f": "MMMM DD, YYYY h:mm:ss A"},
        "January 01, 2020 3:00:00 PM",
    ),
    ('{{formatDate 1577919600 "YY M D H m s ddd"}}', {}, "20 1 1 23 0 0 Wed"),
    ('{{formatDate t "dddd Z ZZ" "America/Los_Angeles"}}', {"t": 1577919600000}, "Wednesday -08:00 -0800"),
    ('{{formatDate "2024-07-01" "DD.MM.YYYY hh:mm Z" "Europe/Berlin"}}', {}, "01.07.2024 02:00 +02:00"),
    ('{{formatDate "2024-07-01T10:00+02:00" "[at] HH:mm" zone}}', {}, "at 08:00"),
    ('[{{formatDate missing "YYYY"}}]', {}, "[]"),
    ('{{formatDate "1577919600" "MMM" "+05:30"}}', {}, "Jan"),
]
TABLE: list[Row] = [
    *PATHS,
    *OUTPUT,
    *ESCAPED_TAGS,
    *WHITE_SPACE,
    *CONDITIONS,
    *COMPARISONS,
    *ITERATIONS,
    *SECTIONS,
    *HELPERS,
]
