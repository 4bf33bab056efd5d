"""The passes as documentation: what `dycl-opt --list-passes` prints, and `docs/passes.md`."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields

from dycl.passes.base import Pass, describe_type, literal, option_name, option_types
from dycl.passes.pipelines import PIPELINES
from dycl.passes.registry import BUILTIN_PASSES, BrokenPass, pass_named, pass_names

_EXAMPLE = re.compile(r"```mlir (before|after)\n(.*?)```", re.DOTALL)

_HEADER = """\
# Passes

<!-- Written by `dycl-opt --list-passes --markdown > docs/passes.md` from the passes' docstrings. -->

Run them with `dycl-opt --pass-pipeline='...'`, in text as MLIR writes it, or from Python:

```python
from dycl.passes import CanonicalizePass, PassManager, UnrollLoopsPass, parse_pipeline

manager = PassManager([UnrollLoopsPass(max_trip_count=8), CanonicalizePass()])
assert str(manager) == "builtin.module(unroll-loops{max-trip-count=8},canonicalize)"
assert parse_pipeline("unroll-loops{max-trip-count=8},canonicalize") == manager
changed = manager.run(program)
```

A pass on functions that stands directly under `builtin.module` runs on each function; `func.func(a,b)` runs a and b on
one function after the other. A named pipeline may stand wherever a pass may. To write a pass of your own, see
[writing-a-pass.md](writing-a-pass.md).
"""


@dataclass(frozen=True)
class Example:
    """The IR before and after a pass, from its docstring."""

    before: str
    after: str


def summary(kind: type[Pass]) -> str:
    """Return the sentence with which a pass's docstring begins."""
    return " ".join(inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0].split())


def examples(kind: type[Pass]) -> list[Example]:
    """Return the examples in a pass's docstring: each `mlir before` block with the `mlir after` block behind it."""
    blocks = [found.group(1, 2) for found in _EXAMPLE.finditer(inspect.cleandoc(kind.__doc__ or ""))]
    kinds = [name for name, _ in blocks]
    if kinds != ["before", "after"] * (len(kinds) // 2):
        raise ValueError(f"the docstring of {kind.__name__} must have a `mlir after` block behind each `mlir before`")
    texts = [text for _, text in blocks]
    return [Example(before, after) for before, after in zip(texts[::2], texts[1::2], strict=True)]


def as_text() -> str:
    """Return the passes with their options, and the named pipelines, for a terminal."""
    lines = ["passes:"]
    for name in pass_names():
        try:
            kind = pass_named(name)
        except BrokenPass as error:
            lines += [f"  {name}", f"      {error}"]
            continue
        lines += [f"  {name}", f"      {summary(kind)}"]
        lines += [f"      {option}: {type}, default {default}" for option, type, default in _options(kind)]
    lines.append("pipelines:")
    for name, text in PIPELINES.items():
        lines += [f"  {name}", f"      {text}"]
    return "\n".join(lines) + "\n"


def as_markdown() -> str:
    """Return `docs/passes.md`: the built-in passes and pipelines."""
    parts = [_HEADER]
    parts += ["\n".join(_section(pass_named(name))) for name in BUILTIN_PASSES]
    pipelines = "\n\n".join(f"`{name}`:\n\n```\n{text}\n```" for name, text in PIPELINES.items())
    parts.append(f"## Named pipelines\n\n{pipelines}\n")
    return "\n".join(parts)


def _section(kind: type[Pass]) -> Iterator[str]:
    yield f"## `{kind.name}`\n"
    titles = {"before": "Before:\n\n", "after": "After:\n\n"}
    body = _EXAMPLE.sub(
        lambda found: f"{titles[found[1]]}```mlir\n{found[2]}```\n", inspect.cleandoc(kind.__doc__ or "")
    )
    yield re.sub(r"\n{3,}", "\n\n", body) + "\n"
    options = list(_options(kind))
    if options:
        yield "| option | value | default |\n|---|---|---|"
        for option, type, default in options:
            yield f"| `{option}` | {type} | `{default}` |"
        yield ""


def _options(kind: type[Pass]) -> Iterator[tuple[str, str, str]]:
    types = option_types(kind)
    for field in fields(kind):
        default = "none: it must be given" if field.default is MISSING else literal(field.default)
        yield option_name(field.name), describe_type(types[field.name]), default
