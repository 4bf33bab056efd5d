"""What the commands of `dycl` share with its parser."""

import argparse
from typing import Protocol


class Commands(Protocol):
    """Where a command adds its own parser, whose `run` default is called with the options and returns the exit code."""

    def add_parser(
        self,
        name: str,
        *,
        help: str,
        description: str | None,
        epilog: str | None = None,
        formatter_class: type[argparse.HelpFormatter] = argparse.HelpFormatter,
    ) -> argparse.ArgumentParser: ...
