"""Textual pipelines: what they mean, that they round-trip, and what errors say."""

import pytest

from dycl.errors import UsageError
from dycl.passes import (
    PIPELINES,
    CanonicalizePass,
    CsePass,
    DcePass,
    Nested,
    OutlineRegionsPass,
    PassManager,
    PipelineError,
    UnrollLoopsPass,
    parse_pipeline,
)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("builtin.module(canonicalize)", [CanonicalizePass()]),
        ("canonicalize", [CanonicalizePass()]),
        (" canonicalize ,\n cse ", [CanonicalizePass(), CsePass()]),
        ("builtin.module()", []),
        ("func.func(canonicalize,cse),dce", [Nested("func.func", (CanonicalizePass(), CsePass())), DcePass()]),
        ("dycl.kernel(dce)", [Nested("dycl.kernel", (DcePass(),))]),
        ("unroll-loops", [UnrollLoopsPass()]),
        ("unroll-loops{}", [UnrollLoopsPass()]),
        ("unroll-loops{max-trip-count=8 max-ops=100}", [UnrollLoopsPass(max_trip_count=8, max_ops=100)]),
        ("outline-regions{prefix=net}", [OutlineRegionsPass(prefix="net")]),
        ('outline-regions{prefix="a \\"b\\" \\\\"}', [OutlineRegionsPass(prefix='a "b" \\')]),
        ("func.func(unroll-loops{max-trip-count=8})", [Nested("func.func", (UnrollLoopsPass(8),))]),
    ],
)
def test_meaning_and_round_trip(text: str, passes: list[object]) -> None:
    manager = parse_pipeline(text)
    assert list(manager.passes) == passes
    assert parse_pipeline(str(manager)) == manager


def test_python_form_prints_as_text() -> None:
    manager = PassManager([Nested("func.func", (UnrollLoopsPass(max_trip_count=8), CanonicalizePass())), DcePass()])
    assert str(manager) == "builtin.module(func.func(unroll-loops{max-trip-count=8},canonicalize),dce)"


@pytest.mark.parametrize("name", PIPELINES)
def test_named_pipelines_stand_for_their_passes(name: str) -> None:
    expanded = parse_pipeline(PIPELINES[name])
    assert parse_pipeline(name) == expanded
    assert parse_pipeline(f"builtin.module({name},dce)").passes == [*expanded.passes, DcePass()]
    assert parse_pipeline(str(expanded)) == expanded


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("canonicalise", 1, "unknown pass 'canonicalise'; did you mean 'canonicalize'?"),
        ("builtin.module(cse, defalt)", 21, "unknown pass 'defalt'; did you mean 'default'?"),
        ("qqqq", 1, "unknown pass 'qqqq'"),
        ("cse dce", 5, "expected "),
        ("func.func(cse", 14, "expected "),
        ("cse)", 4, "expected "),
        ("", 1, "expected a name"),
        ("cse,", 5, "expected a name"),
        ("c$e", 2, "expected "),
        ("func.fun(cse)", 1, "unknown anchor 'func.fun'; did you mean 'func.func'?"),
        ("unroll-loops(max-ops=1)", 21, "expected "),
        ("unroll-loops(cse)", 1, "'unroll-loops' is a pass, not an op: its options go in braces"),
        ("func.func(func.func(cse))", 11, "no func.func stands inside a func.func"),
        ("func.func(outline-regions)", 11, "'outline-regions' runs on a builtin.module, not on a func.func"),
        ("dycl.kernel(unroll-loops)", 13, "'unroll-loops' runs on a func.func, not on a dycl.kernel"),
        ("unroll-loops{max-trip=1}", 14, "'unroll-loops' has no option 'max-trip'; did you mean 'max-trip-count'?"),
        ("cse{x=1}", 5, "'cse' has no option 'x' (it takes none)"),
        ("unroll-loops{max-ops=many}", 22, "'max-ops' of 'unroll-loops' is an integer, not 'many'"),
        ("unroll-loops{max-ops=1.5}", 22, "is an integer, not '1.5'"),
        ('unroll-loops{max-ops="1"}', 22, "is an integer, not '1'"),
        ("unroll-loops{max-ops=1,2}", 24, "'max-ops' of 'unroll-loops' is an integer, not a list"),
        ("unroll-loops{max-ops}", 14, "'max-ops' of 'unroll-loops' is an integer and needs a value"),
        ("unroll-loops{max-ops=1 max-ops=2}", 24, "'unroll-loops' is given 'max-ops' twice"),
        ("default{max-ops=1}", 1, "the pipeline 'default' takes no options"),
        ("func.func(default)", 11, "in the pipeline 'default': 'outline-regions' runs on a builtin.module"),
    ],
)
def test_errors_name_the_column(text: str, column: int, message: str) -> None:
    with pytest.raises(PipelineError) as caught:
        parse_pipeline(text)
    assert isinstance(caught.value, UsageError)
    assert message in str(caught.value)
    assert caught.value.column == column
    first, shown, caret = str(caught.value).splitlines()[0], *str(caught.value).splitlines()[-2:]
    assert first and shown == f"  {text}" and caret.index("^") == column + 1
