"""Print, compare and look up the values of JSON as JavaScript does.

Sources: ECMA-262 (Number::toString, IsLooselyEqual, IsLessThan, OrdinaryOwnPropertyKeys) and `utils.js` and
`runtime.js` of handlebars.js 4.7. Only own properties are visible: there are no prototypes here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from content.handlebars.errors import RenderError


class Undefined:
    """The type of UNDEFINED, JavaScript's `undefined`: the value of a name that the data does not have."""

    __slots__ = ()

    def __bool__(self) -> bool:
        """Return False: `undefined` is falsy."""
        return False

    def __repr__(self) -> str:
        """Return the name of JavaScript's value."""
        return "undefined"


UNDEFINED: Final = Undefined()

SPACE: Final = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""JavaScript's `\\s`, a part of a character class. Python's also has U+001C to U+001F and U+0085, but not U+FEFF."""
SPACES: Final = (
    "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
EXACT_INTEGERS: Final = 2**53
"""JavaScript rounds integers beyond this."""
MAX_LIST_DEPTH: Final = 100
DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
WITH_RADIX: Final = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
INDEX: Final = re.compile(r"0|[1-9][0-9]{0,9}")
MAX_INDEX: Final = 2**32 - 2

ESCAPES: Final = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "'": "&#x27;",
        "`": "&#x60;",
        "=": "&#x3D;",
    }
)
SPECIAL: Final = re.compile("[&<>\"'`=]")
find_special: Final = SPECIAL.search

LONG: Final = 1_000
CHARACTERS_PER_STEP: Final = 64
Charge = Callable[[int], None]
"""A function that counts steps that grow with the data, and raises RenderError when there are too many."""


def charge_long(text: str, charge: Charge) -> None:
    """Count the steps of a text that is not short."""
    if len(text) > LONG:
        charge(len(text) // CHARACTERS_PER_STEP)


def escape(text: str) -> str:
    """Return the text with & < > " ' ` = as character references, as `Handlebars.escapeExpression` does."""
    return text.translate(ESCAPES) if find_special(text) else text


def look_up(value: Any, name: str, charge: Charge) -> Any:
    """Return the property of a value. A property of null or undefined is that value, as in a path of Handlebars."""
    if isinstance(value, dict):
        return value.get(name, UNDEFINED)
    if value is None or value is UNDEFINED:
        return value
    if isinstance(value, list):
        return len(value) if name == "length" else element(value, name)
    if isinstance(value, str):
        return length(value, charge) if name == "length" else code_unit(value, name, charge)
    return UNDEFINED


def walk(value: Any, names: Iterable[str], charge: Charge) -> Any:
    """Return the property at the end of a path."""
    for name in names:
        value = look_up(value, name, charge)
    return value


def walk_truthy(value: Any, names: Iterable[str], charge: Charge) -> Any:
    """Return the property at the end of a path that begins with `@`: such a path ends at the first falsy value."""
    for name in names:
        if not is_truthy(value):
            return value
        value = look_up(value, name, charge)
    return value


def element(values: list[Any], name: str) -> Any:
    if INDEX.fullmatch(name) and int(name) < len(values):
        return values[int(name)]
    return UNDEFINED


def code_unit(text: str, name: str, charge: Charge) -> Any:
    """Return a code unit of UTF-16, as JavaScript does; half of a pair is U+FFFD, which UTF-8 can hold."""
    if not INDEX.fullmatch(name) or int(name) >= length(text, charge):
        return UNDEFINED
    if text.isascii():
        return text[int(name)]
    unit = text.encode("utf-16-le", "surrogatepass")[2 * int(name) : 2 * int(name) + 2]
    return unit.decode("utf-16-le", "replace")


def length(value: Any, charge: Charge) -> int:
    """Return the number of elements of an array, or of UTF-16 code units of a string; 0 for anything else."""
    if isinstance(value, list):
        return len(value)
    if not isinstance(value, str):
        return 0
    if value.isascii():
        return len(value)
    charge_long(value, charge)
    return len(value.encode("utf-16-le", "surrogatepass")) // 2


def ordered_keys(value: dict[str, Any]) -> list[str]:
    """Return the keys in the order in which JavaScript iterates: array indexes ascending, and then the others."""
    indexes = [key for key in value if key[:1].isdigit() and INDEX.fullmatch(key) and int(key) <= MAX_INDEX]
    if not indexes:
        return list(value)
    index_set = set(indexes)
    return [*sorted(indexes, key=int), *(key for key in value if key not in index_set)]


def is_truthy(value: Any) -> bool:
    """Return whether JavaScript takes the value for true; empty arrays and objects are."""
    return bool(value) or isinstance(value, dict | list)


def is_present(value: Any) -> bool:
    """Return whether `insert` finds a value, and not undefined, null or an empty string."""
    return value is not None and value is not UNDEFINED and value != ""


def to_text(value: Any, charge: Charge, depth: int = 0) -> str:
    """Return the text of a value as JavaScript's String() does, except that null and undefined are empty."""
    if isinstance(value, str):
        return value
    if value is None or value is UNDEFINED:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, dict):
        return "[object Object]"
    if isinstance(value, list):
        if depth >= MAX_LIST_DEPTH:
            raise RenderError(f"The data has arrays that are nested more than {MAX_LIST_DEPTH} deep.")
        charge(len(value))
        text = ",".join([to_text(element, charge, depth + 1) for element in value])
        charge_long(text, charge)
        return text
    raise RenderError(f"The data has a value of the type {type(value).__name__}, which JSON does not have.")


def number_text(number: float) -> str:
    """Return a number as JavaScript prints it (ECMA-262, Number::toString)."""
    if isinstance(number, int) and -EXACT_INTEGERS <= number <= EXACT_INTEGERS:
        return str(number)
    number = to_double(number)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    return sign + decimal_text(abs(number))


def decimal_text(number: float) -> str:
    """Return a positive number from its shortest digits, which are the same in Python and JavaScript."""
    mantissa, _, exponent = repr(number).partition("e")
    integer, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (integer + fraction).lstrip("0")
    # The value is 0.digits times ten to the power of `point`.
    point = int(exponent or 0) + len(integer) - (len(integer + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    power = f"e{point - 1:+d}"
    return digits[0] + power if len(digits) == 1 else f"{digits[0]}.{digits[1:]}{power}"


def to_double(number: float) -> float:
    """Return an integer as the double that JSON.parse would read."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def to_number(value: Any) -> float:
    """Return the number that JavaScript makes of a primitive value; NaN if it is not a number."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return to_double(value)
    if value is None:
        return 0.0
    return number_of_text(value) if isinstance(value, str) else math.nan


def number_of_text(text: str) -> float:
    text = text.strip(SPACES)
    if not text:
        return 0.0
    if DECIMAL.fullmatch(text):
        return float(text)
    if WITH_RADIX.fullmatch(text):
        return to_double(int(text, 0))
    return {"Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}.get(text, math.nan)


def to_primitive(value: Any, charge: Charge) -> Any:
    """Return the text of an array or object, or any other value unchanged."""
    if isinstance(value, str):
        charge_long(value, charge)
    return to_text(value, charge) if isinstance(value, dict | list) else value


def is_equal(left: Any, right: Any, charge: Charge) -> bool:
    """Return the result of JavaScript's `==` (ECMA-262, IsLooselyEqual)."""
    if left is None or left is UNDEFINED:
        return right is None or right is UNDEFINED
    if right is None or right is UNDEFINED:
        return False
    if isinstance(left, dict | list) and isinstance(right, dict | list):
        return left is right
    left, right = to_primitive(left, charge), to_primitive(right, charge)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return to_number(left) == to_number(right)


def is_less(left: Any, right: Any, charge: Charge) -> bool:
    """Return the result of JavaScript's `<` (ECMA-262, IsLessThan)."""
    left, right = to_primitive(left, charge), to_primitive(right, charge)
    if isinstance(left, str) and isinstance(right, str):
        if left.isascii() and right.isascii():
            return left < right
        # Units of UTF-16 and code points have different orders.
        return left.encode("utf-16-be", "surrogatepass") < right.encode("utf-16-be", "surrogatepass")
    return to_number(left) < to_number(right)
