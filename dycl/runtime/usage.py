"""What `python host.py` says."""

from pathlib import Path


def usage(file: str, description: str) -> None:
    """Print what the host program in `file` is, and how to run it."""
    folder = Path(file).absolute().parent
    shown = str(folder.relative_to(Path.cwd())) if folder.is_relative_to(Path.cwd()) else str(folder)
    print(description.strip())
    print(
        f"""
This is the host program of the compiled model {folder.name}; dycl's runtime loads it with its kernels.

From Python, with numpy arrays:
    import dycl
    model = dycl.load({shown!r})
    outputs = model(...)

From the command line:
    dycl run {shown} --input FILE.npy"""
    )
