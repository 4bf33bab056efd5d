"""Operations on what is one of several objects, chosen at run time: done for each of them, on a branch of its own."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from typing import TYPE_CHECKING

from xdsl.dialects import arith

from dycl.frontends.torch.paths.branches import Outcome, branch, outcome_value, switch
from dycl.frontends.torch.paths.control import Completion, Raised
from dycl.frontends.torch.values import Choice, ModelRaised, Scalar, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


def settled(capture: "Capture", choice: Choice) -> Value:
    """Return the option that a choice is known to be here, else the choice."""
    known = capture.builder.known(choice.index.ssa)
    return choice if known is None else choice.options[int(known)]


def fork(capture: "Capture", choice: Choice, run: Callable[[Value], Value]) -> Value:
    """Evaluate `run` for the option that a choice is, on a branch for each."""
    return outcome_value(_fork(capture, choice, lambda option: (None, run(option))))


def fork_completion(capture: "Capture", choice: Choice, run: Callable[[Value], Completion]) -> Completion:
    """Execute `run` for the option that a choice is, on a branch for each."""
    return _fork(capture, choice, lambda option: (run(option), None))[0]


def _fork(capture: "Capture", choice: Choice, run: Callable[[Value], Outcome]) -> Outcome:
    known = settled(capture, choice)
    if known is not choice:
        return run(known)
    run = partial(_run_option, run)
    index, options = choice.index, choice.options
    if index.kind is bool:
        return branch(capture, index.ssa, lambda: run(options[1]), lambda: run(options[0]))
    found = switch(capture, index.ssa, [partial(run, option) for option in options])
    if found is not None:
        return None, found[0]

    def rest(first: int) -> Outcome:
        if first == len(options) - 1:
            capture.builder.note(index.ssa, first)
            return run(options[first])
        constant = capture.builder.constant(first)
        here = capture.builder.emit(arith.CmpiOp(index.ssa, constant, "eq")).result
        return branch(capture, here, lambda: run(options[first]), lambda: rest(first + 1))

    return rest(0)


def _run_option(run: Callable[[Value], Outcome], option: Value) -> Outcome:
    """Do it for one option; what that raises, the program need not raise."""
    try:
        completion, value = run(option)
    except ModelRaised as error:
        error.is_of_option = True
        raise
    if isinstance(completion, Raised) and isinstance(completion.error, ModelRaised):
        completion.error.is_of_option = True
    return completion, value


def whether(capture: "Capture", choice: Choice, answers: Sequence[bool]) -> bool | Value:
    """Return the answer for the option that a choice is, where each has its own."""
    known = capture.builder.known(choice.index.ssa)
    if known is not None:
        return answers[int(known)]
    if all(answer is answers[0] for answer in answers):
        return answers[0]
    emit, constant = capture.builder.emit, capture.builder.constant
    if choice.index.kind is bool:
        ssa = choice.index.ssa
        return Scalar(ssa if answers[1] else emit(arith.XOrIOp(ssa, constant(True))).result)
    rare = sum(answers) * 2 <= len(answers)
    tests = [
        emit(arith.CmpiOp(choice.index.ssa, constant(number), "eq" if rare else "ne")).result
        for number, answer in enumerate(answers)
        if answer is rare
    ]
    kind = arith.OrIOp if rare else arith.AndIOp
    return Scalar(reduce(lambda left, right: emit(kind(left, right)).result, tests))


def choice_in(values: Sequence[Value]) -> Choice | None:
    """Return a choice among values, or in lists, tuples and dicts among them."""
    for value in values:
        if isinstance(value, Choice):
            return value
        if isinstance(value, list | tuple | dict | slice):
            found = choice_in(_parts(value))
            if found is not None:
                return found
    return None


def _parts(value: Value) -> Sequence[Value]:
    if isinstance(value, slice):
        return (value.start, value.stop, value.step)
    return list(value.values()) if isinstance(value, dict) else value


def replaced(value: Value, choice: Choice, option: Value) -> Value:
    """Return a value with an option in the place of a choice, in lists, tuples and dicts too."""
    if value is choice:
        return option
    if isinstance(value, list | tuple) and choice_in(value) is not None:
        items = [replaced(item, choice, option) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, slice):
        return slice(*(replaced(part, choice, option) for part in _parts(value)))
    if isinstance(value, dict) and choice_in([value]) is not None:
        return {key: replaced(item, choice, option) for key, item in value.items()}
    return value


def forked_call(
    capture: "Capture",
    run: Callable[[Sequence[Value], Mapping[str, Value]], Value],
    args: Sequence[Value],
    kwargs: Mapping[str, Value],
) -> Value:
    """Call `run` with arguments in which no choice is left."""
    choice = choice_in([*args, *kwargs.values()])
    if choice is None:
        return run(args, kwargs)

    def with_option(option: Value) -> Value:
        return forked_call(
            capture,
            run,
            [replaced(value, choice, option) for value in args],
            {name: replaced(value, choice, option) for name, value in kwargs.items()},
        )

    return fork(capture, choice, with_option)
