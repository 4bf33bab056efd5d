"""What an operation gives whose operands have sizes known only at run time.

torch tells it with symbols for those sizes, and takes some of them for others, or for not being 1, where it could not
tell otherwise. So each such operation is tried at sizes, among them those that torch might leave out:
1. A result's size that is another one in some trial is a new symbol.
2. A condition that torch asked for, and without which every trial fails, is one of the program: it is checked when the
   program runs. Of an equality also the weaker forms are tried that broadcasting has: equal, or one of them is 1.
3. A result whose number of dimensions, or the number of results, is not the same in all trials is refused.
4. Where torch cannot tell anything with symbols, the results are those of the trials: a size that is the same in all of
   them, or always that of an operand, else a new symbol.
"""

import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import sympy
import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.utils._python_dispatch import _disable_current_modes  # pyright: ignore[reportPrivateUsage]: no public way

from dycl.frontends.refusal import Refusal
from dycl.frontends.torch.tensors.heap import storage_of
from dycl.frontends.torch.tensors.symbolic_calls import (
    concrete,
    concrete_key,
    filled,
    key_of,
    sizes_of,
    storages,
    strided,
    symbols_of,
    tensors_in,
)
from dycl.frontends.torch.tensors.symbols import Kind, Symbols
from dycl.frontends.torch.values import Value
from dycl.ir.size_bounds import Expression
from dycl.ir.size_env import Assignment

_LARGEST = 2000
"""What sizes may add up to that an operation is executed at."""

Geometry: TypeAlias = tuple[torch.dtype, Sequence[Value], Sequence[Value]]
"""A tensor's dtype, sizes and strides."""

Outcome: TypeAlias = tuple[list[torch.Tensor] | None, bool]
"""The tensors of a call, None where it fails, and whether one is a view of an operand."""

Quietly: TypeAlias = Callable[[Callable[[], Value]], Value]
"""Runs torch's code without recording it."""


_OF_SOME = frozenset(["amax", "amin", "aminmax", "argmax", "argmin", "kthvalue", "max", "median", "min", "mode"])
"""Reductions that have no result where there are no values."""


@dataclass
class Findings:
    """What the trials of a call have shown."""

    wrong: dict[tuple[int, int], Value] = field(default_factory=dict[tuple[int, int], Value])
    """The results, and their axes, whose size torch did not tell right: the right one, None where it is a new one."""
    checks: "dict[Expression, Kind | None]" = field(default_factory=dict)
    """What must hold lest the operation fails, and what it raises then, where that could be found out."""
    results: list[Geometry] | None = None
    """Where they are new tensors, and not numbers or views of the operands."""
    is_single: bool = True


def fail_as_eager(func: Callable[..., Value], args: Sequence[Value], kwargs: Mapping[str, Value]) -> None:
    """Raise what a call raises for empty tensors: fake ones are not asked for their content."""
    with _disable_current_modes():
        func(*[filled(value, {}) for value in args], **{name: filled(value, {}) for name, value in kwargs.items()})


@dataclass
class Trials:
    symbols: Symbols
    quietly: Quietly
    _found: dict[Hashable, Findings] = field(default_factory=dict[Hashable, Findings])
    _tried: dict[Hashable, Outcome] = field(default_factory=dict[Hashable, Outcome])
    """By the call with numbers for its sizes: layers that are alike ask the same with symbols of their own."""

    def run(self, name: str, func: Callable[..., Value], args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
        """Call an overload on fake tensors, of which one has a size known only at run time.

        Raises:
            Refusal: what it gives depends on such a size in a way that cannot be followed
        """
        packet = name.partition(".")[0]
        key = self._key(name, args, kwargs)
        known = self._found.get(key)
        if known is not None and known.results is not None:
            self._emit_checks(packet, known)
            return self._again(known)
        try:
            out, asked = self._ask(func, args, kwargs)
        except GuardOnDataDependentSymNode as error:
            return self._by_trials(packet, func, args, kwargs, error)
        found = self._checked(packet, key, func, args, kwargs, out, asked)
        if found.wrong:
            return self._with_new_sizes(packet, out, found.wrong, storages((args, kwargs)))
        return out

    def _again(self, found: Findings) -> Value:
        """The results of a call that is like an earlier one."""
        tensors = [
            self.quietly(lambda sizes=sizes, strides=strides, dtype=dtype: strided(sizes, strides, dtype))
            for dtype, sizes, strides in found.results or ()
        ]
        return tensors[0] if found.is_single else tuple(tensors)

    def check_not_empty(
        self, name: str, func: Callable[..., Value], args: Sequence[Value], kwargs: Mapping[str, Value]
    ) -> None:
        """Emit the checks that there is something to reduce: fake tensors are not asked for their content."""
        packet = name.partition(".")[0]
        if packet not in _OF_SOME or not isinstance(args[0], torch.Tensor):
            return
        sizes = list(args[0].size())
        for axis, size in enumerate(sizes):
            if not isinstance(size, torch.SymInt) or self.symbols.is_never(size, 0):
                continue
            empty = [
                0 if at == axis else 2 if isinstance(known, torch.SymInt) else known for at, known in enumerate(sizes)
            ]
            try:
                with _disable_current_modes():
                    func(torch.zeros(empty, dtype=args[0].dtype), *args[1:], **kwargs)
            except Exception as error:
                self.symbols.check(sympy.Ne(size.node.expr, 0), type(error), f"`{packet}` of no values: {error}")

    def check(self, name: str, func: Callable[..., Value], args: Sequence[Value], kwargs: Mapping[str, Value]) -> None:
        """Emit the checks without which a call that writes to its operand fails."""
        try:
            out, asked = self._ask(func, args, kwargs)
        except GuardOnDataDependentSymNode:
            return  # What it asks is checked when its new value is fitted to the operand.
        self._checked(name.partition(".")[0], self._key(name, args, kwargs), func, args, kwargs, out, asked)

    def _ask(
        self, func: Callable[..., Value], args: Sequence[Value], kwargs: Mapping[str, Value]
    ) -> tuple[Value, list[Expression]]:
        """Return what torch gives with symbols, and the conditions that it asked for."""
        env = self.symbols.shapes
        claims, env.claims = env.claims, []
        env.mark()
        # What torch remembers of an earlier call says nothing of the conditions.
        modes = {tensor.fake_mode for tensor in tensors_in((args, kwargs)) if isinstance(tensor, FakeTensor)}
        remembers = [(mode, mode.cache_enabled) for mode in modes]
        for mode in modes:
            mode.cache_enabled = False
        try:
            with env.where(self._facts(args, kwargs)):
                return func(*args, **kwargs), list(dict.fromkeys(env.claims))
        finally:
            for mode, enabled in remembers:
                mode.cache_enabled = enabled
            env.release()
            env.claims = claims

    def _key(self, name: str, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Hashable:
        return (name, key_of(args), key_of(tuple(kwargs.items())), tuple(self._facts(args, kwargs)))

    def _facts(self, args: Sequence[Value], kwargs: Mapping[str, Value]) -> list[Expression]:
        """What is known here of the sizes of a call's operands."""
        symbols = set(symbols_of((args, kwargs)))
        return [fact for fact in self.symbols.known_facts() if fact.free_symbols & symbols]

    def _emit_checks(self, packet: str, found: Findings) -> None:
        for condition, kind in found.checks.items():
            self.symbols.check(condition, kind, self.symbols.needed(condition, packet))

    def _checked(
        self,
        packet: str,
        key: Hashable,
        func: Callable[..., Value],
        args: Sequence[Value],
        kwargs: Mapping[str, Value],
        out: Value,
        asked: Sequence[Expression],
    ) -> Findings:
        """Try a call, and emit the checks that it needs."""
        results, symbols = tensors_in(out), symbols_of((args, kwargs))
        if not symbols or not results:
            return Findings()
        found = self._found.get(key)
        if found is None:
            found = self._findings(packet, func, args, kwargs, results, asked, symbols, self._facts(args, kwargs))
            self._found[key] = found
            is_single = isinstance(out, torch.Tensor)
            is_new = storages(results).isdisjoint(storages((args, kwargs)))
            is_flat = is_single or (isinstance(out, tuple) and len(results) == len(out))
            if is_new and is_flat and not found.wrong and set(symbols_of(results)) <= set(symbols):
                found.is_single = is_single
                found.results = [(result.dtype, tuple(result.size()), result.stride()) for result in results]
        self._emit_checks(packet, found)
        return found

    def _findings(
        self,
        packet: str,
        func: Callable[..., Value],
        args: Sequence[Value],
        kwargs: Mapping[str, Value],
        results: Sequence[torch.Tensor],
        asked: Sequence[Expression],
        symbols: Sequence[Expression],
        facts: Sequence[Expression],
    ) -> Findings:
        passed: list[tuple[Assignment, list[torch.Tensor]]] = []
        failed: list[Assignment] = []
        for assignment in self.symbols.shapes.assignments(symbols, asked, facts):
            found, _ = self._try(func, args, kwargs, assignment)
            if found is None:
                failed.append(assignment)
            else:
                _check_ranks(packet, results, found)
                passed.append((assignment, found))
        candidates = list(dict.fromkeys(sizes_of((args, kwargs))))
        wrong: dict[tuple[int, int], Value] = {}
        for index, result in enumerate(results):
            for axis, claimed in enumerate(result.size()):
                sizes = [(at, found[index].size(axis)) for at, found in passed]
                if not all(_agrees(claimed, at, size) for at, size in sizes):
                    wrong[index, axis] = self._size_by_trials(sizes, candidates)
        checks: dict[Expression, Kind | None] = {}
        for condition in asked:
            needed = _needed(condition, [assignment for assignment, _ in passed], failed)
            if needed is not None and needed not in checks:
                checks[needed] = _raised(needed, func, args, kwargs, failed)
        return Findings(wrong, checks)

    def _try(
        self, func: Callable[..., Value], args: Sequence[Value], kwargs: Mapping[str, Value], assignment: Assignment
    ) -> Outcome:
        """Call at these sizes."""
        key = (func, concrete_key(args, assignment), concrete_key(kwargs, assignment))
        if key not in self._tried:
            self._tried[key] = self._outcome(func, args, kwargs, assignment)
        return self._tried[key]

    def _outcome(
        self, func: Callable[..., Value], args: Sequence[Value], kwargs: Mapping[str, Value], assignment: Assignment
    ) -> Outcome:
        env = self.symbols.shapes
        claims, env.claims = env.claims, []
        env.mark()

        def run() -> Outcome:
            positional = [concrete(value, assignment) for value in args]
            keywords = {name: concrete(value, assignment) for name, value in kwargs.items()}
            results = tensors_in(func(*positional, **keywords))
            return results, not storages((positional, keywords)).isdisjoint(storages(results))

        try:
            return self.quietly(run)
        except (RuntimeError, IndexError, ValueError, TypeError, ZeroDivisionError, AssertionError):
            return None, False
        finally:
            env.release()
            env.claims = claims

    def _with_new_sizes(
        self, packet: str, out: Value, wrong: Mapping[tuple[int, int], Value], operands: set[int]
    ) -> Value:
        """The results with new symbols for the sizes that torch did not tell right."""
        index = -1

        def changed(value: Value) -> Value:
            nonlocal index
            if isinstance(value, list | tuple):
                return type(value)(map(changed, value)) if type(value) in (list, tuple) else tuple(map(changed, value))
            if not isinstance(value, torch.Tensor):
                return value
            index += 1
            if not any(result == index for result, _ in wrong):
                return value
            if storage_of(value) in operands:
                raise _depends(packet)
            sizes = [wrong.get((index, axis), size) for axis, size in enumerate(value.size())]
            sizes = [self.symbols.fresh() if size is None else size for size in sizes]
            return self.quietly(lambda: torch.empty(sizes, dtype=value.dtype, device="cpu"))

        return changed(out)

    def _by_trials(
        self,
        packet: str,
        func: Callable[..., Value],
        args: Sequence[Value],
        kwargs: Mapping[str, Value],
        error: GuardOnDataDependentSymNode,
    ) -> Value:
        """The results as the trials have them."""
        symbols = symbols_of((args, kwargs))
        candidates = list(dict.fromkeys(sizes_of((args, kwargs))))
        asked = [sympy.Eq(*pair) for pair in itertools.combinations(candidates, 2)]
        trials: list[tuple[Assignment, list[torch.Tensor]]] = []
        failed: list[Assignment] = []
        is_view = False
        for assignment in self.symbols.shapes.assignments(symbols, asked, self._facts(args, kwargs)):
            found, views = self._try(func, args, kwargs, assignment)
            is_view = is_view or views
            if found is None:
                failed.append(assignment)
            else:
                trials.append((assignment, found))
                _check_ranks(packet, trials[0][1], found)
        if len(trials) < 2 or is_view:
            raise Refusal(
                f"`{packet}` of a tensor whose sizes are known only at run time",
                f"torch says: {str(error).splitlines()[0]}",
            )
        for condition in asked:
            needed = _needed(condition, [assignment for assignment, _ in trials], failed)
            if needed is not None:
                kind = _raised(needed, func, args, kwargs, failed)
                self.symbols.check(needed, kind, self.symbols.needed(needed, packet))
        first = trials[0][1]
        results: list[torch.Tensor] = []
        for index, like in enumerate(first):
            sizes = [
                self._size_by_trials([(at, found[index].size(axis)) for at, found in trials], candidates)
                for axis in range(like.dim())
            ]
            sizes = [self.symbols.fresh() if size is None else size for size in sizes]
            results.append(self.quietly(lambda sizes=sizes, dtype=like.dtype: torch.empty(sizes, dtype=dtype)))
        return results[0] if len(results) == 1 else tuple(results)

    def _size_by_trials(self, sizes: Sequence[tuple[Assignment, Value]], candidates: Sequence[Expression]) -> Value:
        """The size that the trials agree on, None where there is none."""
        values = [size for _, size in sizes]
        if len(values) < 2 or not all(isinstance(size, int) for size in values):
            return None
        if all(size == values[0] for size in values):
            return values[0]
        for expression in candidates:
            if all(expression.subs(at) == size for at, size in sizes):
                return self.symbols.shapes.create_symintnode(expression, hint=None)
        return None


def _depends(packet: str) -> Refusal:
    return Refusal(
        f"`{packet}`, whose result depends on whether a size known only at run time is 1",
        "the compiled program has one result for all sizes",
        "name the axis, or state bounds of the size that leave 1 out",
    )


def _check_ranks(packet: str, results: Sequence[torch.Tensor], others: Sequence[torch.Tensor]) -> None:
    if len(results) != len(others):
        raise Refusal(
            f"`{packet}`, which gives a number of tensors that depends on a size known only at run time",
            "the compiled program has one number of results for all sizes",
            "split a dimension whose size is a number",
        )
    if any(result.dim() != other.dim() for result, other in zip(results, others, strict=True)):
        raise _depends(packet)


def _needed(condition: Expression, passed: Sequence[Assignment], failed: Sequence[Assignment]) -> Expression | None:
    """The form of a condition without which all trials fail, None where there is none."""
    forms = [condition]
    if isinstance(condition, sympy.Eq):
        ones: list[Expression] = [sympy.Eq(side, 1) for side in condition.args]
        forms += [sympy.Or(condition, *rest) for rest in (ones[:1], ones[1:], ones)]
    for form in forms:
        if _without(form, failed) and not _without(form, passed):
            return form
    return None


def _raised(
    condition: Expression,
    func: Callable[..., Value],
    args: Sequence[Value],
    kwargs: Mapping[str, Value],
    failed: Sequence[Assignment],
) -> Kind | None:
    """Return what an operation raises on tensors of sizes for which the condition does not hold."""
    without = [assignment for assignment in failed if condition.subs(assignment) == sympy.false]
    least = min(without, key=lambda assignment: sum(assignment.values()))
    if sum(least.values()) > _LARGEST:
        return None
    try:
        with torch.no_grad(), _disable_current_modes():
            func(*filled(args, least), **{name: filled(value, least) for name, value in kwargs.items()})
    except Exception as error:
        return type(error)
    return None


def _without(condition: Expression, assignments: Sequence[Assignment]) -> bool:
    return any(condition.subs(assignment) == sympy.false for assignment in assignments)


def _agrees(claimed: Value, assignment: Assignment, size: Value) -> bool:
    """Whether a size is what torch told of it; a symbol that the operation has made stands for any."""
    expected = claimed if isinstance(claimed, int) else claimed.node.expr.subs(assignment)
    return not sympy.sympify(expected).is_number or (type(size) is int and expected == size)
