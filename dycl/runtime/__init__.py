"""All that a compiled program needs to run: numpy, its kernels' engine, and this package."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dycl.runtime.model import Model, load

__all__ = ["Model", "load"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from dycl.runtime import model

    return getattr(model, name)
