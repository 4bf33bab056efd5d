"""References to models: files, packages, classes, factories, instances."""

import sys
from textwrap import dedent

import pytest
from torch import nn

from dycl.errors import DyclError, UsageError
from dycl.frontends.torch import load_reference


@pytest.fixture
def models(tmp_path, monkeypatch):
    (tmp_path / "beside.py").write_text("WIDTH = 3\n")
    (tmp_path / "some_models.py").write_text(
        dedent(
            """
            from torch import nn
            from beside import WIDTH

            class Net(nn.Module):
                def __init__(self, width=WIDTH):
                    super().__init__()
                    self.fc = nn.Linear(width, 1)

                def forward(self, x):
                    return self.fc(x)

            class Needs(nn.Module):
                def __init__(self, width, *, depth):
                    super().__init__()

            def make(width=4, **options):
                return Net(width)

            def wrong():
                return 3

            class Broken(nn.Module):
                def __init__(self):
                    super().__init__()
                    raise ValueError("no weights")

            class Plain:
                pass

            net = Net(5)
            number = 7
            """
        )
    )
    (tmp_path / "raises.py").write_text("x = 1\nimport missing_package_of_nobody\n")
    (tmp_path / "syntax.py").write_text("x = (\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("beside", "some_models", "raises", "syntax"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield tmp_path
    for name in ("beside", "some_models", "raises", "syntax"):
        sys.modules.pop(name, None)


def test_classes_factories_and_instances(models):
    file = models / "some_models.py"
    assert load_reference(f"{file}:Net").fc.in_features == 3
    assert load_reference(f"{file}:Net", {"width": 7}).fc.in_features == 7
    assert load_reference(f"{file}:make", {"other": 1}).fc.in_features == 4
    assert load_reference(f"{file}:net").fc.in_features == 5
    assert load_reference("some_models:net") is load_reference(f"{file}:net")
    assert isinstance(load_reference("torch.nn:Identity"), nn.Identity)


@pytest.mark.parametrize(
    ("reference", "kwargs", "message"),
    [
        ("some_models.py", {}, "expected path/to/file.py:name or package.module:name"),
        ("{}/some_model.py:Net", {}, "no file .*some_model.py; did you mean .*some_models.py"),
        ("{}/sin.py:Net", {}, "no file .*sin.py$"),
        ("no_package_of_nobody.models:Net", {}, "no module 'no_package_of_nobody'"),
        ("{}/some_models.py:Nett", {}, "has no 'Nett'; did you mean Net"),
        ("{}/some_models.py:Needs", {}, 'needs width, depth: pass --kwargs \'{"width": ..., "depth": ...}\''),
        ("{}/some_models.py:Needs", {"width": 1}, "needs depth: pass --kwargs"),
        ("{}/some_models.py:Net", {"widht": 1}, "takes no argument 'widht'; did you mean width"),
        ("{}/some_models.py:net", {"width": 1}, "is an instance already"),
        ("{}/some_models.py:number", {}, "is an int, not a torch.nn.Module"),
        ("{}/some_models.py:Plain", {}, "is a class, but not one of a torch.nn.Module"),
        ("{}/some_models.py:wrong", {}, "returns an int, not a torch.nn.Module"),
    ],
)
def test_mistakes_in_a_reference(models, reference, kwargs, message):
    with pytest.raises(UsageError, match=message.replace("{", r"\{").replace("...,", r"\.\.\.,")):
        load_reference(reference.format(models), kwargs)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("{}/some_models.py:Broken", r"Broken raised ValueError: no weights \(.*some_models.py:\d+\)"),
        ("{}/raises.py:Net", r"raised ModuleNotFoundError: .*missing_package_of_nobody.* \(.*raises.py:2\)"),
        ("{}/syntax.py:Net", r"raised SyntaxError: .* \(.*syntax.py:1\)"),
    ],
)
def test_errors_of_the_model_s_own_code(models, reference, message):
    with pytest.raises(DyclError, match=message) as raised:
        load_reference(reference.format(models))
    assert not isinstance(raised.value, UsageError)
