"""The named pipelines."""

PIPELINES: dict[str, str] = {
    "default": (
        "unroll-loops,propagate-constants,infer-shapes,propagate-constants,canonicalize,cse,"
        "thread-branches,canonicalize,dce,sink,rotate-loops,hoist-invariants,cse,canonicalize,sink,duplicate-tails,cse,"
        "form-regions,hoist-to-host,canonicalize,cse,dce,outline-regions,share-kernels"
    ),
}
"""Pipelines that stand for themselves wherever a pass may stand."""
