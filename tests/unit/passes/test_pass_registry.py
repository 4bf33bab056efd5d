"""Passes by name: built in, from other packages, and broken ones."""

import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata

import pytest
from xdsl.ir import Operation

from dycl.passes import Pass, parse_pipeline, pass_named, pass_names
from dycl.passes.catalogue import as_text
from dycl.passes.registry import BUILTIN_PASSES, BrokenPass, UnknownPass, class_name
from dycl.program import Program


@dataclass(frozen=True)
class ForeignPass(Pass):
    """Do nothing, elsewhere."""

    name = "foreign"

    def apply(self, op: Operation, program: Program) -> bool:
        return False


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        metadata.EntryPoint("foreign", f"{__name__}:ForeignPass", "dycl.passes"),
        metadata.EntryPoint("missing", "no_such_module:Pass", "dycl.passes"),
        metadata.EntryPoint("not-a-pass", "builtins:int", "dycl.passes"),
        metadata.EntryPoint("misnamed", f"{__name__}:ForeignPass", "dycl.passes"),
    ]
    monkeypatch.setattr(metadata, "entry_points", lambda group: entries)


@pytest.mark.parametrize("name", BUILTIN_PASSES)
def test_built_in_passes_follow_the_convention(name: str) -> None:
    kind = pass_named(name)
    assert kind.name == name
    assert kind.__name__ == class_name(name)
    assert kind.__module__ == f"dycl.passes.{name.replace('-', '_')}"
    assert str(kind()) == name


def test_unknown_names_offer_the_nearest() -> None:
    with pytest.raises(UnknownPass, match="unknown pass 'inline-shapes'; did you mean 'infer-shapes'"):
        pass_named("inline-shapes")


def test_other_packages_add_passes(foreign: None) -> None:
    assert "foreign" in pass_names()
    assert parse_pipeline("foreign,cse").passes[0] == ForeignPass()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "pass 'missing' cannot be loaded from no_such_module:Pass .*ModuleNotFoundError"),
        ("not-a-pass", "is not a dycl.passes.Pass"),
        ("misnamed", "calls itself 'foreign'"),
    ],
)
def test_broken_passes_fail_only_where_they_are_used(foreign: None, name: str, message: str) -> None:
    parse_pipeline("cse")
    with pytest.raises(BrokenPass, match=message):
        pass_named(name)
    assert name in as_text()


def test_passes_are_imported_when_they_are_used() -> None:
    program = (
        "import sys; from dycl.passes import parse_pipeline; parse_pipeline('cse');"
        "assert 'dycl.passes.unroll_loops' not in sys.modules; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
