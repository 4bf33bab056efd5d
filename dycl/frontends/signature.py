"""The text of signatures: `x: f32[n, t, 32], lengths: i64[n] where 1 <= n <= 64 and 1 <= t <= 128`."""

import difflib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from dycl.errors import UsageError
from dycl.runtime.signature import DTYPES, Input, Signature, Size

_DESCRIPTIONS = {
    "$END": "the end",
    "AND": "'and'",
    "COLON": "':'",
    "COMMA": "','",
    "INT": "a number",
    "LSQB": "'['",
    "NAME": "a name",
    "RSQB": "']'",
    "WHERE": "'where'",
    "__ANON_0": "'<='",
    "LESSTHAN": "'<='",
}
_ALIASES = {
    "bfloat16": "bf16",
    "double": "f64",
    "float": "f32",
    "float16": "f16",
    "float32": "f32",
    "float64": "f64",
    "half": "f16",
    "int": "i32",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "int8": "i8",
    "long": "i64",
    "uint8": "u8",
}
"""Names of dtypes elsewhere, for the suggestion in an error."""


class SignatureError(UsageError):
    """A signature that cannot be read: its text, a caret under the place, and what was expected there."""

    def __init__(self, text: str, column: int, message: str) -> None:
        """`column` counts from 0."""
        self.column = column
        line = text.replace("\n", " ").replace("\t", " ")
        super().__init__(f"signature, column {column + 1}: {message}\n  {line}\n  {' ' * column}^")


def parse_signature(text: str) -> Signature:
    """Read a signature.

    Raises:
        SignatureError: the text is not one
    """
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _syntax_error(text, error) from None
    _check_names(text, tree)
    bounds = _bounds(text, tree)
    for node in _nodes(tree, "size"):
        token = _token(node, 0)
        if token.type == "NAME" and token not in bounds:
            message = f"size {token.value!r} needs bounds: end the signature with `where 1 <= {token.value} <= ...`"
            raise SignatureError(text, _start(token), message)
    return Signature(tuple(_input(text, node) for node in _nodes(tree, "input")), bounds)


@cache
def _parser() -> Lark:
    grammar = (Path(__file__).with_suffix(".lark")).read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=False)


def _syntax_error(text: str, error: UnexpectedInput) -> SignatureError:
    match error:
        case UnexpectedEOF():
            column, found, expected = len(text), "the end", error.expected
        case UnexpectedToken() if error.token.type == "$END":
            column, found, expected = len(text), "the end", error.accepts or error.expected
        case UnexpectedToken():
            column, found, expected = _start(error.token), repr(error.token.value), error.accepts or error.expected
        case UnexpectedCharacters():
            column, found, expected = error.pos_in_stream or 0, repr(error.char), error.allowed or set[str]()
        case _:
            return SignatureError(text, 0, "cannot be read")
    if (other := _other_bound(text, column)) is not None:
        return other
    wanted = sorted({_DESCRIPTIONS.get(name, name) for name in expected})
    return SignatureError(text, column, f"expected {' or '.join(wanted)}, found {found}")


_BOUND = re.compile(r"\s*(?:(\d+)\s*([<>]=?)\s*)?([^\W\d]\w*)(?:\s*(==?|[<>]=?)\s*(\d+))?\s*(?:,|and\b|$)")
_SEPARATOR = re.compile(r",|\band\b")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _other_bound(text: str, column: int) -> SignatureError | None:
    """Return the error for bounds that are clear but not of the form `1 <= n <= 8`, if such stand at a column."""
    where = re.search(r"\bwhere\b", text)
    if where is None or column < where.end():
        return None
    starts = [where.end(), *(found.end() for found in _SEPARATOR.finditer(text, where.end(), column))]
    found = _BOUND.match(text, starts[-1])
    if found is None:
        return None
    name, start = found[3], found.start(1) if found[1] else found.start(3)
    low: int | None = None
    high: int | None = None
    for sign, number in ((_MIRRORED.get(found[2] or ""), found[1]), (found[4], found[5])):
        match sign:
            case "<" | "<=":
                high = int(number) - (sign == "<")
            case ">" | ">=":
                low = int(number) + (sign == ">")
            case "=" | "==":
                return SignatureError(text, start, f"a size of one value has no name: write {number} for {name!r}")
            case _:
                pass
    if low is None and high is None:
        return None
    way_out = f"write `{1 if low is None else low} <= {name} <= {'...' if high is None else high}`"
    if low is None or high is None:
        side = "lower" if low is None else "upper"
        return SignatureError(text, start, f"{name!r} has no {side} bound, and none is assumed: {way_out}")
    return SignatureError(text, start, f"bounds have one form: {way_out}")


def _nodes(tree: Tree[Token], name: str) -> Iterator[Tree[Token]]:
    """The nodes of one rule in the order of the text."""
    return iter(sorted(tree.find_data(name), key=lambda node: _start(_token(node, 0))))


def _token(node: Tree[Token], index: int) -> Token:
    token = node.children[index]
    assert isinstance(token, Token)
    return token


def _start(token: Token) -> int:
    assert token.start_pos is not None
    return token.start_pos


def _input(text: str, node: Tree[Token]) -> Input:
    name, dtype = _token(node, 0), _token(node, 1)
    if dtype.value not in DTYPES:
        near = _ALIASES.get(dtype.value.lower())
        close = [near] if near else difflib.get_close_matches(dtype.value, DTYPES, n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known are {', '.join(DTYPES)}"
        raise SignatureError(text, _start(dtype), f"unknown dtype {dtype.value!r}; {hint}")
    return Input(name.value, dtype.value, tuple(_size(size) for size in _nodes(node, "size")))


def _size(node: Tree[Token]) -> Size:
    token = _token(node, 0)
    return int(token.value) if token.type == "INT" else token.value


def _check_names(text: str, tree: Tree[Token]) -> None:
    seen: set[str] = set()
    for node in _nodes(tree, "input"):
        name = _token(node, 0)
        if name.value in seen:
            raise SignatureError(text, _start(name), f"a second input {name.value!r}")
        seen.add(name.value)


def _bounds(text: str, tree: Tree[Token]) -> dict[str, tuple[int, int]]:
    sizes = {_token(node, 0).value for node in tree.find_data("size")}
    bounds: dict[str, tuple[int, int]] = {}
    for node in _nodes(tree, "bound"):
        low, name, high = (_token(node, index) for index in range(3))
        if name.value not in sizes:
            names = sorted(str(size) for size in sizes if not str(size).isdigit())
            known = f"the sizes with names are {', '.join(names)}" if names else "no size has a name"
            raise SignatureError(text, _start(name), f"bounds of {name.value!r}, which is not a size: {known}")
        if name.value in bounds:
            raise SignatureError(text, _start(name), f"a second pair of bounds for {name.value!r}")
        if int(low) > int(high):
            raise SignatureError(text, _start(low), f"no number is between {low} and {high}")
        bounds[name.value] = (int(low), int(high))
    return bounds
