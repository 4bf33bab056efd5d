"""The language of signatures."""

import pytest

from dycl.errors import UsageError
from dycl.frontends.signature import SignatureError, parse_signature


@pytest.mark.parametrize(
    "text",
    [
        "x: f32[1, 3, 32, 32]",
        "x: f32[], y: bool[2]",
        "x: f32[n, 3, 32, 32], lengths: i64[n] where 1 <= n <= 64",
        "ids: i64[b, t], h: bf16[b] where 1 <= b <= 4, 1 <= t <= 128",
    ],
)
def test_text_reads_back(text):
    assert str(parse_signature(text)) == text


def test_spaces_line_breaks_and_last_commas_do_not_matter():
    assert str(parse_signature("  x :f32[ 1,3 , ],\n y:i64[ 2 ] , ")) == "x: f32[1, 3], y: i64[2]"


def test_bounds_are_separated_by_commas_or_by_and():
    commas = parse_signature("x: f32[h, w], and: f32[h] where 16 <= h <= 48, 1 <= w <= 8")
    assert parse_signature("x: f32[h, w], and: f32[h] where 16 <= h <= 48 and 1 <= w <= 8") == commas


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "expected a name, found the end"),
        ("x f32[1]", 3, "expected ':', found 'f32'"),
        ("x: [1]", 4, "expected a name, found '['"),
        ("x: f32", 7, "expected '[', found the end"),
        ("x: f32[1", 9, "expected ',' or ']', found the end"),
        ("x: f32[-1]", 8, "expected ']' or a name or a number, found '-'"),
        ("x: f32[1] y: f32[1]", 11, "expected "),
        ("x: float32[1]", 4, "unknown dtype 'float32'; did you mean f32?"),
        ("x: f31[1]", 4, "unknown dtype 'f31'; did you mean f"),
        ("x: complex[1]", 4, "unknown dtype 'complex'; known are bool, "),
        ("x: f32[1], x: i64[2]", 12, "a second input 'x'"),
        ("x: f32[n]", 8, "size 'n' needs bounds: end the signature with `where 1 <= n <= ...`"),
        ("x: f32[1] where 1 <= n <= 3", 22, "bounds of 'n', which is not a size"),
        ("x: f32[n] where 3 <= n <= 1", 17, "no number is between 3 and 1"),
        ("x: f32[n] where 1 <= n <= 2, 1 <= n <= 3", 35, "a second pair of bounds for 'n'"),
        ("x: f32[n] where n", 17, "expected a number, found 'n'"),
        ("x: f32[n] where n <= 2", 17, "'n' has no lower bound, and none is assumed: write `1 <= n <= 2`"),
        ("x: f32[n] where 1 <= n <= 2, n <= 2", 30, "'n' has no lower bound, and none is assumed: write `1 <= n"),
        ("x: f32[n, m] where 1 <= n <= 2 and m <= 2", 36, "'m' has no lower bound, and none is assumed: write `1 <= m"),
        ("x: f32[n, m] where 1 <= n and m <= 2", 20, "'n' has no upper bound, and none is assumed: write `1 <= n"),
        ("x: f32[n] where 1 <= n <= 2 and", 32, "expected a number, found the end"),
        ("x: f32[n] where 2 <= n", 17, "'n' has no upper bound, and none is assumed: write `2 <= n <= ...`"),
        ("x: f32[n] where n > 2", 17, "'n' has no upper bound, and none is assumed: write `3 <= n <= ...`"),
        ("x: f32[n] where 0 < n < 9", 17, "bounds have one form: write `1 <= n <= 8`"),
        ("x: f32[n] where 9 >= n >= 2", 17, "bounds have one form: write `2 <= n <= 9`"),
        ("x: f32[n] where n == 3", 17, "a size of one value has no name: write 3 for 'n'"),
    ],
)
def test_mistakes_are_shown_at_their_column(text, column, message):
    with pytest.raises(SignatureError) as raised:
        parse_signature(text)
    first, line, caret = str(raised.value).split("\n")
    assert first.startswith(f"signature, column {column}: {message}")
    assert line == f"  {text}"
    assert caret == " " * (column + 1) + "^"
    assert isinstance(raised.value, UsageError)
