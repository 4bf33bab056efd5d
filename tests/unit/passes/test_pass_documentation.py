"""The passes' documentation says what the passes do: examples are run, docs/passes.md is current."""

import re
from importlib import metadata
from pathlib import Path

import pytest

from dycl.ir.text import parse_module, print_module
from dycl.ir.verify import verify
from dycl.ir.weights import WeightStore
from dycl.passes import Pass, PassManager, parse_pipeline, pass_named
from dycl.passes.catalogue import as_markdown, as_text, examples, summary
from dycl.passes.registry import BUILTIN_PASSES
from dycl.program import Program

DOCS = Path(__file__).parents[3] / "docs"


def check_examples(kind: type[Pass]) -> None:
    found = examples(kind)
    assert found, f"{kind.__name__} shows no example"
    for example in found:
        program = Program(parse_module(example.before), WeightStore())
        verify(program.module)
        assert PassManager([kind()]).run(program)
        assert normalised(print_module(program.module)) == normalised(print_module(parse_module(example.after)))


def normalised(text: str) -> str:
    """Number values in order, so that their names do not count."""
    names: dict[str, str] = {}
    return re.sub(r"%\w+", lambda name: names.setdefault(name[0], f"%{len(names)}"), text)


@pytest.mark.parametrize("name", BUILTIN_PASSES)
def test_docstring_examples(name: str) -> None:
    kind = pass_named(name)
    check_examples(kind)
    assert summary(kind).endswith(".")


def test_passes_page_is_current() -> None:
    current = (DOCS / "passes.md").read_text()
    assert current == as_markdown(), "run: dycl-opt --list-passes --markdown > docs/passes.md"


def test_passes_page_shows_code_that_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", as_markdown(), re.DOTALL)
    program = Program(parse_module("func.func @main(%x: i64) -> i64 {\n  dycl.return %x : i64\n}"), WeightStore())
    exec(code, {"program": program})


def test_list_names_every_pass_and_option() -> None:
    text = as_text()
    assert all(f"\n  {name}\n" in text for name in BUILTIN_PASSES)
    assert "max-trip-count: an integer, default 1" in text


def test_the_out_of_tree_pass_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (DOCS / "writing-a-pass.md").read_text()
    (source,) = re.findall(r"````python\n(.*?)````", page, re.DOTALL)
    (project,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (name, value) = re.findall(r'passes"\]\n([\w-]+) = "(.*)"', project)[0]
    (tmp_path / "fuse_relu.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(metadata, "entry_points", lambda group: [metadata.EntryPoint(name, value, group)])

    kind = pass_named(name)
    check_examples(kind)
    (pipeline,) = re.findall(r"--pass-pipeline='(.*)'", page)
    program = Program(parse_module(examples(kind)[0].before), WeightStore())
    assert parse_pipeline(pipeline).run(program)
    assert "relu" not in print_module(program.module)
