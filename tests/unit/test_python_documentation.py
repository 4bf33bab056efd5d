"""docs/python.md says what the tests of the frontend show."""

from pathlib import Path

from tools.python_support import as_markdown

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def test_the_table_of_constructs_is_current() -> None:
    assert PAGE.read_text() == as_markdown(), "run: python -m tools.python_support > docs/python.md"
