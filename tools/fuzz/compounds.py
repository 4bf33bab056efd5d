"""The compound statements of random programs, and how often each is written."""

from tools.fuzz.branches import if_statement, match_statement, try_statement, with_statement
from tools.fuzz.functions import function_statement, generator_statement, nonlocal_statement, recursive_statement
from tools.fuzz.loops import for_statement, while_statement
from tools.fuzz.templates import parse_template
from tools.fuzz.writer import Compound, Writer


def comprehension_statement(writer: Writer) -> bool:
    """Assign a value that takes several templates to say."""
    line = writer.random.choice(
        (
            "1 $+LT = [v * $c for v in $LT if $s > 0] or [$T]",
            "1 $+Li = [j for j in range($k) if j % 2 == 0]",
            "1 $+DT = {key: v for key, v in zip('ab', [$T, $T])}",
            "1 $+f = sum(v.sum().item() for v in $LT)",
            "1 $+LP = [(v * j, j) for v in $LT for j in range(2)]",
        )
    )
    writer.emit(writer.fill(parse_template(line), 0))
    return False


COMPOUNDS: dict[Compound, int] = {
    if_statement: 34,
    for_statement: 20,
    while_statement: 18,
    try_statement: 5,
    with_statement: 1,
    match_statement: 1,
    function_statement: 3,
    nonlocal_statement: 1,
    recursive_statement: 2,
    generator_statement: 1,
    comprehension_statement: 2,
}
