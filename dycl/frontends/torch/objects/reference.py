"""References to models: `path/to/file.py:name` or `package.module:name`."""

import difflib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from torch import nn

from dycl.errors import DyclError, UsageError, an


def load_reference(reference: str, kwargs: Mapping[str, object] | None = None) -> nn.Module:
    """Return the module that a reference names: an instance, or what a class or factory returns for `kwargs`.

    Raises:
        UsageError: there is no such file or name, it is not a model, or needs other arguments
        DyclError: the file or the constructor raises
    """
    given = dict(kwargs or {})
    place, colon, name = reference.rpartition(":")
    if not colon or not place or not name.isidentifier():
        raise UsageError(f"{reference!r} is not a model: expected path/to/file.py:name or package.module:name")
    module = _import_file(place) if place.endswith(".py") else _import_module(place)
    if not hasattr(module, name):
        raise UsageError(f"{place} has no {name!r}{_near(name, module)}")
    found: object = getattr(module, name)
    if isinstance(found, nn.Module):
        if given:
            raise UsageError(f"{reference} is an instance already, so `--kwargs` has no meaning")
        return found
    if not callable(found):
        raise UsageError(
            f"{reference} is {an(type(found).__name__)}, not a torch.nn.Module, a class of one or a factory"
        )
    if isinstance(found, type) and not issubclass(found, nn.Module):
        raise UsageError(f"{reference} is a class, but not one of a torch.nn.Module")
    _check_arguments(reference, found, given)
    try:
        made: object = found(**given)
    except DyclError:
        raise
    except Exception as error:
        raise DyclError(f"{reference} raised {_described(error)}") from error
    if not isinstance(made, nn.Module):
        raise UsageError(f"{reference} returns {an(type(made).__name__)}, not a torch.nn.Module")
    return made


def _import_file(place: str) -> ModuleType:
    path = Path(place)
    if not path.is_file():
        folder = path.parent
        # The suffix, which they have in common, makes no name like another.
        stems = [entry.stem for entry in folder.glob("*.py")] if folder.is_dir() else []
        close = difflib.get_close_matches(path.stem, stems, n=1, cutoff=0.65)
        raise UsageError(f"no file {place}" + (f"; did you mean {folder / close[0]}.py?" if close else ""))
    path = path.resolve()
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    known = sys.modules.get(path.stem)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    # A file that shares its name with an imported module must not take that one's place.
    name = path.stem if known is None else f"dycl_model_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{place} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise DyclError(f"importing {place} raised {_described(error)}") from error
    return module


def _import_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(f"no module {error.name!r}; a file is given as path/to/file.py:name") from None
        raise DyclError(f"importing {name} raised {_described(error)}") from error
    except Exception as error:
        raise DyclError(f"importing {name} raised {_described(error)}") from error


def _near(name: str, module: ModuleType) -> str:
    own = [
        key
        for key, value in vars(module).items()
        if not key.startswith("_")
        and (isinstance(value, nn.Module) or getattr(value, "__module__", None) == module.__name__)
    ]
    close = difflib.get_close_matches(name, own, n=3, cutoff=0.5)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return f"; it has {', '.join(own)}" if own else ""


def _check_arguments(reference: str, factory: object, given: Mapping[str, object]) -> None:
    try:
        parameters = inspect.signature(factory).parameters  # pyright: ignore[reportArgumentType]: it is callable
    except (TypeError, ValueError):
        return
    named = {p.name: p for p in parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    missing = [name for name, p in named.items() if p.default is p.empty and name not in given]
    if missing:
        example = ", ".join(f'"{name}": ...' for name in missing)
        raise UsageError(f"{reference} needs {', '.join(missing)}: pass --kwargs '{{{example}}}'")
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    unknown = [name for name in given if name not in named]
    if unknown:
        close = difflib.get_close_matches(unknown[0], named, n=1)
        hint = f"did you mean {close[0]}?" if close else f"it takes {', '.join(named) or 'none'}"
        raise UsageError(f"{reference} takes no argument {unknown[0]!r}; {hint}")


def _described(error: Exception) -> str:
    """Return an exception's type and text, and the place in the user's code where it was raised."""
    place = ""
    if isinstance(error, SyntaxError) and error.filename:
        place = f" ({error.filename}:{error.lineno})"
    else:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
        if frames:
            place = f" ({frames[-1].filename}:{frames[-1].lineno})"
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}{place}"


def _is_users(file: str) -> bool:
    return not (file.startswith(("<", sys.base_prefix)) or file == __file__ or "site-packages" in file)
