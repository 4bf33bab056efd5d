"""The reference interpreter: what a program means, at any stage, on torch tensors."""

from dycl.ir.interpret.execution import Decide, Observe, Value
from dycl.ir.interpret.interpreter import interpret

__all__ = ["Decide", "Observe", "Value", "interpret"]
