"""Run one benchmark by name: each is a module here with a `main(arguments)` and a docstring saying what it does."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent


def names() -> list[str]:
    return sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_") and path.stem != "processes")


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1] not in names():
        print("script/bench NAME, where NAME is one of:")
        for name in names():
            summary = (importlib.import_module(name).__doc__ or "").splitlines()[0]
            print(f"  {name:12} {summary}")
        return 2
    importlib.import_module(sys.argv[1]).main(sys.argv[2:])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
