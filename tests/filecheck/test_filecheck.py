"""Runs the RUN lines of every .mlir file here without starting a process: some milliseconds a file.

A RUN line is a pipe of `dycl-opt` commands that ends in `filecheck %s`. `lit tests/filecheck` runs the same lines in a
shell.
"""

import io
import shlex
from pathlib import Path

import pytest
from filecheck.finput import FInput
from filecheck.matcher import Matcher
from filecheck.options import parse_argv_options
from filecheck.parser import Parser

from dycl.cli.opt import main

HERE = Path(__file__).parent
FILES = sorted(HERE.rglob("*.mlir"))


def commands(line: str, path: Path) -> list[list[str]]:
    """Split `a %s | b %s` into the words of its commands."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|")
    lexer.whitespace_split = True
    lexer.commenters = ""
    found: list[list[str]] = [[]]
    for word in lexer:
        if word == "|":
            found.append([])
        else:
            found[-1].append(word.replace("%s", str(path)))
    return found


def run(line: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    *stages, check = commands(line, path)
    text = ""
    for program, *arguments in stages:
        assert program == "dycl-opt", f"{path}: {program} cannot run in process"
        output = io.StringIO()
        code = main(arguments, io.StringIO(text), output)
        assert code == 0, f"{line}\n{capsys.readouterr().err}"
        text = output.getvalue()
    assert check[0] == "filecheck", f"{path}: a RUN line ends in `| filecheck %s`"
    options = parse_argv_options(check)
    matcher = Matcher(options, FInput("<stdin>", text), Parser.from_opts(options))
    code = matcher.run()
    assert code == 0, f"{line}\n{capsys.readouterr().err}\n{text}"


@pytest.mark.parametrize("path", FILES, ids=[str(file.relative_to(HERE)) for file in FILES])
def test_file(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.partition("RUN:")[2].strip() for line in path.read_text().splitlines() if "// RUN:" in line]
    assert lines, f"{path} has no RUN line"
    for line in lines:
        run(line, path, capsys)
