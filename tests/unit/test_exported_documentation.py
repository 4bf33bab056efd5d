"""`docs/exported.md`: its code runs and gives what it says."""

import re
import warnings
from pathlib import Path
from typing import Any

import pytest


def test_the_code_of_the_page_on_exported_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs/exported.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    monkeypatch.chdir(tmp_path)
    printed: list[str] = []
    names: dict[str, Any] = {"print": lambda value: printed.append(str(value))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(code, names)
    assert printed == re.findall(r"print\(.*?\)  # (.*)", code)
    x = names["torch"].ones(16, 8)
    names["torch"].testing.assert_close(names["fixed"](x), names["model"](x))
    assert names["y"].shape == (3, 8) and (tmp_path / "net.pt2").exists()
