"""Verification: what a well-formed program is, beyond the definition of each op.

- Every region has one block, which ends in exactly one terminator, of a kind that its op allows.
- An operand is visible where it is used: defined before, in the same block or one around it, and not outside an op that
  is isolated (a function, a region, a kernel).
- Values are tensors of a known element type, or host scalars; arithmetic works on host scalars.
- The values that a terminator carries have, up to refinement, the types of what they become: results, carried values,
  or the function's results.
- `return` is in a function but not in a region or kernel; `break` and `continue` are in a loop's body of the same
  function, region or kernel, and not in the condition of a `while` in between.
- An op none of whose sides goes on is followed by nothing but the end of its block.
- A region or kernel holds neither launches, calls, assertions nor regions: it is one computation.
"""

from dycl.ir.verify.diagnostics import InvalidProgram
from dycl.ir.verify.walk import verify

__all__ = ["InvalidProgram", "verify"]
