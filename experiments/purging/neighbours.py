"""What rooms above know of the files and runs below: who still needs them, and what of their own goes with a run.

Each registers a neighbour in its `ready()`. They are asked inside the transaction that deletes, with the rows locked:
nothing can begin to need them meanwhile.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from experiments.models import LoggedModel, Run
from lib.errors import Conflict

# Ids of runs or logged models, and who needs each.
Holds = Mapping[str, list["Holder"]]


@dataclass(frozen=True)
class Holder:
    """Who needs something: `kind` is "version" (fraud:3), "job" (its id), "endpoint", "runs" or "files"."""

    kind: str
    name: str


def nobody(_ids: Collection[str]) -> Holds:
    return {}


def nothing(_ids: Collection[str]) -> Mapping[str, list[str]]:
    return {}


def no_files(_owner: Run | LoggedModel, _path: str) -> list[Holder]:
    return []


@dataclass(frozen=True)
class Neighbour:
    """`holds_runs` and `holds_models` say who needs which; `holds_files` who needs a path below an owner's artifacts.

    `places` gives keys of the store that go with a run.
    """

    name: str
    holds_runs: Callable[[Collection[str]], Holds] = nobody
    holds_models: Callable[[Collection[str]], Holds] = nobody
    holds_files: Callable[[Run | LoggedModel, str], list[Holder]] = no_files
    places: Callable[[Collection[str]], Mapping[str, list[str]]] = nothing


NEIGHBOURS: list[Neighbour] = []


def register(neighbour: Neighbour) -> None:
    NEIGHBOURS.append(neighbour)


def merged(found: Collection[Holds]) -> Holds:
    joined: dict[str, list[Holder]] = defaultdict(list)
    for one in found:
        for name, holders in one.items():
            joined[name] += holders
    return joined


def holds_runs(ids: Collection[str]) -> Holds:
    return merged([one.holds_runs(ids) for one in NEIGHBOURS]) if ids else {}


def holds_models(ids: Collection[str]) -> Holds:
    return merged([one.holds_models(ids) for one in NEIGHBOURS]) if ids else {}


def holds_files(owner: Run | LoggedModel, path: str) -> list[Holder]:
    return [holder for one in NEIGHBOURS for holder in one.holds_files(owner, path)]


def places(run_ids: Collection[str]) -> dict[str, list[str]]:
    joined: dict[str, list[str]] = defaultdict(list)
    for one in NEIGHBOURS:
        for run_id, keys in one.places(run_ids).items():
            joined[run_id] += keys
    return joined


def require_free(owner: Run | LoggedModel, path: str) -> None:
    """Raise Conflict when somebody needs the files at a path of a run or logged model."""
    if holders := holds_files(owner, path):
        names = ", ".join(sorted(holder.name for holder in holders)[:5])
        raise Conflict(_("These files belong to %s: delete that model version first.") % names)
