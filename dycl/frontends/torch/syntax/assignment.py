"""Assignment to names, attributes, items, and nests of these."""

import ast

import torch

from dycl.errors import an
from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.paths.journal import Env, VariableSlot
from dycl.frontends.torch.syntax.attributes import delete_attribute, read_attribute, write_attribute
from dycl.frontends.torch.syntax.iteration import elements
from dycl.frontends.torch.syntax.operators import augmented_operation
from dycl.frontends.torch.syntax.subscripts import delete_item, read_item, write_item
from dycl.frontends.torch.values import UNBOUND, Value


def assign(activation: Activation, target: ast.expr, value: Value) -> None:
    capture = activation.capture
    match target:
        case ast.Name():
            capture.name_value(target.id, value)
            bind(activation, target.id, value)
        case ast.Attribute():
            owner = activation.evaluate(target.value)
            activation.node = target
            write_attribute(capture, owner, mangled(activation, target.attr), value)
        case ast.Subscript():
            owner, index = activation.evaluate(target.value), activation.evaluate(target.slice)
            activation.node = target
            write_item(capture, owner, index, value)
        case ast.Tuple() | ast.List():
            _unpack(activation, target, value)
        case _:
            activation.node = target
            raise capture.error(f"an assignment to {an(type(target).__name__)}")


def bind(activation: Activation, name: str, value: Value) -> None:
    env: Env | None = activation.env
    while env is not None and env.is_comprehension:
        env = env.parent
    assert env is not None
    if name in activation.global_names:
        raise activation.capture.error(
            f"a write to the global name `{name}`",
            "a compiled program keeps no global state",
            "pass the value in, and return it",
        )
    if name in activation.outer_names:
        outer = env.parent.find(name) if env.parent is not None else None
        if outer is None:
            raise activation.capture.error(f"`nonlocal {name}` of a function that is not captured")
        env = outer
    activation.capture.journal.write(VariableSlot(env, name), value)


def bind_target(activation: Activation, env: Env, target: ast.expr, value: Value) -> None:
    """Assign to the target of a comprehension, whose names are its own."""
    if isinstance(target, ast.Name):
        activation.capture.journal.write(VariableSlot(env, target.id), value)
    elif isinstance(target, ast.Tuple | ast.List):
        for part, item in _paired(activation, target, value):
            bind_target(activation, env, part, item)
    else:
        assign(activation, target, value)


def _unpack(activation: Activation, target: ast.Tuple | ast.List, value: Value) -> None:
    for part, item in _paired(activation, target, value):
        assign(activation, part, item)


def _paired(activation: Activation, target: ast.Tuple | ast.List, value: Value) -> list[tuple[ast.expr, Value]]:
    """Return the parts of a target, each with what it gets."""
    values = list(elements(activation.capture, value))
    stars = [index for index, part in enumerate(target.elts) if isinstance(part, ast.Starred)]
    if stars:
        at, after = stars[0], len(target.elts) - stars[0] - 1
        if len(values) < len(target.elts) - 1:
            raise activation.capture.raised(ValueError("not enough values to unpack"))
        middle = activation.capture.born(values[at : len(values) - after])
        values = [*values[:at], middle, *values[len(values) - after :]]
    if len(values) != len(target.elts):
        few = "not enough" if len(values) < len(target.elts) else "too many"
        raise activation.capture.raised(ValueError(f"{few} values to unpack (expected {len(target.elts)})"))
    parts = [part.value if isinstance(part, ast.Starred) else part for part in target.elts]
    return list(zip(parts, values, strict=True))


def augment(activation: Activation, node: ast.AugAssign) -> None:
    """`target op= value`: in place where the target's value can, with the target evaluated once."""
    capture, target = activation.capture, node.target
    if isinstance(target, ast.Name):
        before = activation.evaluate(ast.copy_location(ast.Name(target.id, ast.Load()), target))
        after = _augmented(activation, node, before)
        capture.name_value(target.id, after)
        bind(activation, target.id, after)
    elif isinstance(target, ast.Attribute):
        owner, name = activation.evaluate(target.value), mangled(activation, target.attr)
        activation.node = target
        after = _augmented(activation, node, read_attribute(capture, owner, name))
        activation.node = target
        if not isinstance(owner, torch.Tensor):
            write_attribute(capture, owner, name, after)
    else:
        owner, index = activation.evaluate(target.value), activation.evaluate(target.slice)
        activation.node = target
        after = _augmented(activation, node, read_item(capture, owner, index))
        activation.node = target
        write_item(capture, owner, index, after)


def _augmented(activation: Activation, node: ast.AugAssign, before: Value) -> Value:
    value = activation.evaluate(node.value)
    activation.node = node
    return augmented_operation(activation.capture, type(node.op), before, value)


def delete(activation: Activation, target: ast.expr) -> None:
    capture = activation.capture
    match target:
        case ast.Name():
            if activation.env.find(target.id) is None:
                raise capture.raised(NameError(f"name {target.id!r} is not defined"))
            capture.journal.write(VariableSlot(activation.env, target.id), UNBOUND)
        case ast.Subscript():
            owner, index = activation.evaluate(target.value), activation.evaluate(target.slice)
            delete_item(capture, owner, index)
        case ast.Attribute():
            delete_attribute(capture, activation.evaluate(target.value), mangled(activation, target.attr))
        case ast.Tuple() | ast.List():
            for part in target.elts:
                delete(activation, part)
        case _:
            raise capture.error(f"`del` of {an(type(target).__name__)}")


def mangled(activation: Activation, name: str) -> str:
    """Return a private name `__x` as a method of a class knows it."""
    if name.startswith("__") and not name.endswith("__") and activation.code.class_name:
        return f"_{activation.code.class_name.lstrip('_')}{name}"
    return name


__all__ = ["assign", "augment", "bind", "bind_target", "delete", "mangled"]
