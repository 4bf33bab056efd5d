"""Textual pass pipelines, as MLIR writes them: `builtin.module(func.func(canonicalize,cse),outline-regions)`.

An anchor `op(...)` runs its passes on each op of that name directly inside the current one. Without an anchor a
pipeline runs on the module, and a pass on functions that stands there runs on each of the module's functions. A named
pipeline may stand wherever a pass may.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeAlias, get_args, get_origin

from dycl.errors import UsageError
from dycl.passes.base import Pass, describe_type, option_name, option_types
from dycl.passes.manager import FUNCTION, KERNEL, MODULE, Nested, PassManager
from dycl.passes.pipelines import PIPELINES
from dycl.passes.registry import BrokenPass, UnknownPass, nearest, pass_named, pass_names

if TYPE_CHECKING:
    from lark import Lark, Token, Tree
    from lark.exceptions import UnexpectedInput

    Node: TypeAlias = Tree[Token]

ANCHORS = (MODULE, FUNCTION, KERNEL)


class PipelineError(UsageError):
    """A pipeline that cannot be understood: the text, a caret under the place, and what was expected there."""

    def __init__(self, message: str, text: str, column: int):
        """`column` counts from 1."""
        self.message = message
        self.column = column
        super().__init__(f"pipeline, column {column}: {message}\n  {text}\n  {' ' * (column - 1)}^")


@dataclass(frozen=True)
class Value:
    """A value as written: `4` and `"4"` differ in `quoted`."""

    text: str
    quoted: bool
    column: int


def parse_pipeline(text: str) -> PassManager:
    """Return the pass manager that a pipeline describes.

    Raises:
        PipelineError: the text, a name or an option is wrong
    """
    line = " ".join(text.splitlines())
    return PassManager(_Reader(line).pipeline(_tree(line), MODULE))


@cache
def _grammar() -> "Lark":
    from lark import Lark

    return Lark(files("dycl.passes").joinpath("pipeline.lark").read_text(), parser="lalr")


def _tree(text: str) -> "Node":
    from lark.exceptions import UnexpectedInput

    try:
        return _grammar().parse(text)
    except UnexpectedInput as error:
        raise _syntax_error(text, error) from None


_TERMINALS = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": "a string",
    "LPAR": "'('",
    "RPAR": "')'",
    "LBRACE": "'{'",
    "RBRACE": "'}'",
    "COMMA": "','",
    "EQUAL": "'='",
    "$END": "the end",
}


def _syntax_error(text: str, error: "UnexpectedInput") -> PipelineError:
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    expected: set[str] = set()
    if isinstance(error, UnexpectedToken):
        expected = set(error.expected)
    elif isinstance(error, UnexpectedCharacters):
        expected = set(error.allowed)
    wanted = " or ".join(sorted(_TERMINALS[name] for name in expected if name in _TERMINALS))
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    column = len(text) + 1 if at_end else error.column
    return PipelineError(f"expected {wanted}", text, column)


class _Reader:
    """Turns a parsed pipeline into passes; holds the text that errors show."""

    def __init__(self, text: str):
        self.text = text

    def fail(self, message: str, column: int) -> PipelineError:
        return PipelineError(message, self.text, column)

    def pipeline(self, tree: "Node", anchor: str) -> list[Pass | Nested]:
        elements: list[Pass | Nested] = []
        for node in _children(tree):
            name = _token(node, 0)
            elements += self.nested(node, name, anchor) if node.data == "nested" else self.step(node, name, anchor)
        return elements

    def nested(self, node: "Node", name: "Token", anchor: str) -> Sequence[Pass | Nested]:
        column = _column(name)
        if name not in ANCHORS:
            if name in pass_names() or name in PIPELINES:
                raise self.fail(f"'{name}' is a pass, not an op: its options go in braces", column)
            raise self.fail(f"unknown anchor '{name}'{nearest(name, ANCHORS)}; known: {', '.join(ANCHORS)}", column)
        if anchor != MODULE:
            raise self.fail(f"no {name} stands inside a {anchor}", column)
        body = next((child for child in _children(node) if child.data == "pipeline"), None)
        inner = self.pipeline(body, name) if body is not None else []
        return inner if name == MODULE else [Nested(name, tuple(inner))]

    def step(self, node: "Node", name: "Token", anchor: str) -> Sequence[Pass | Nested]:
        column = _column(name)
        options = _children(_children(node)[0]) if _children(node) else []
        if name in PIPELINES:
            if options:
                raise self.fail(f"the pipeline '{name}' takes no options", column)
            expansion = PIPELINES[name]
            try:
                return _Reader(expansion).pipeline(_tree(expansion), anchor)
            except PipelineError as error:
                raise self.fail(f"in the pipeline '{name}': {error.message}", column) from error
        try:
            kind = pass_named(name)
        except UnknownPass:
            known = (*pass_names(), *PIPELINES)
            raise self.fail(f"unknown pass '{name}'{nearest(name, known)}", column) from None
        except BrokenPass as error:
            raise self.fail(str(error), column) from error
        if kind.anchor not in ("any", anchor) and not (anchor == MODULE and kind.anchor == FUNCTION):
            raise self.fail(f"'{name}' runs on a {kind.anchor}, not on a {anchor}", column)
        return [self.configured(kind, options, column)]

    def configured(self, kind: type[Pass], options: Sequence["Node"], column: int) -> Pass:
        types = {option_name(field): (field, type) for field, type in option_types(kind).items()}
        given: dict[str, object] = {}
        for option in options:
            token = _token(option, 0)
            if token not in types:
                listed = f"it takes {', '.join(types)}" if types else "it takes none"
                raise self.fail(
                    f"'{kind.name}' has no option '{token}'{nearest(token, types)} ({listed})", _column(token)
                )
            field, type_ = types[token]
            if field in given:
                raise self.fail(f"'{kind.name}' is given '{token}' twice", _column(token))
            values = [_value(child) for child in _children(option)]
            given[field] = self.converted(f"'{token}' of '{kind.name}'", values, type_, _column(token))
        try:
            return kind(**given)
        except (TypeError, ValueError) as error:
            raise self.fail(f"'{kind.name}': {error}", column) from error

    def converted(self, what: str, values: Sequence[Value], type: Any, column: int) -> object:
        if not values:
            if bool in (type, *get_args(type)):
                return True
            raise self.fail(f"{what} is {describe_type(type)} and needs a value", column)
        if isinstance(type, UnionType):
            if len(values) == 1 and values[0].text == "None" and not values[0].quoted:
                return None
            (type,) = (member for member in get_args(type) if member is not NoneType)
        if get_origin(type) is tuple:
            return tuple(self.single(what, value, get_args(type)[0]) for value in values)
        if len(values) != 1:
            raise self.fail(f"{what} is {describe_type(type)}, not a list", values[1].column)
        return self.single(what, values[0], type)

    def single(self, what: str, value: Value, type: type[object]) -> object:
        try:
            if type is str:
                return value.text
            if not value.quoted:
                if type is bool:
                    return {"true": True, "false": False}[value.text.lower()]
                if type is int:
                    return int(value.text)
                if type is float:
                    return float(value.text)
        except (ValueError, KeyError):
            pass
        raise self.fail(f"{what} is {describe_type(type)}, not '{value.text}'", value.column)


def _children(node: "Node") -> list["Node"]:
    from lark import Tree

    return [child for child in node.children if isinstance(child, Tree)]


def _token(node: "Node", index: int) -> "Token":
    from lark import Token

    token = node.children[index]
    assert isinstance(token, Token)
    return token


def _column(token: "Token") -> int:
    assert token.column is not None
    return token.column


def _value(node: "Node") -> Value:
    token = _token(node, 0)
    text = str(token)
    if node.data == "quoted":
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    return Value(text, node.data == "quoted", _column(token))
