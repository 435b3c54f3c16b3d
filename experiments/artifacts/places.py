"""Where the artifacts of a run or a logged model are. Clients see `mlflow-artifacts:/…` addresses of the same paths."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from experiments.artifacts.paths import checked
from experiments.models import LoggedModel, Run
from lib.errors import NotFound

SCHEME = "mlflow-artifacts:/"


@dataclass(frozen=True)
class Place:
    """A folder or file in the store; `below("a/b")` checks the path."""

    key: str

    @property
    def uri(self) -> str:
        return f"{SCHEME}{self.key}"

    @property
    def name(self) -> str:
        return self.key.rsplit("/", 1)[-1]

    def below(self, path: str) -> Place:
        path = checked(path)
        return Place(f"{self.key}/{path}") if path else self


def of_experiment(experiment_id: int) -> Place:
    return Place(str(experiment_id))


def of_run(run: Run) -> Place:
    return Place(f"{folder_of(run)}/{run.pk}/artifacts")


def of_model(model: LoggedModel) -> Place:
    return Place(f"{folder_of(model)}/models/{model.pk}/artifacts")


def folder_of(owner: Run | LoggedModel) -> int:
    """Name the experiment under which the files lie: they stay where they are when a run is moved to another."""
    return owner.experiment_id if owner.files_under is None else owner.files_under


@dataclass(frozen=True)
class Located:
    """What a proxied path names: the id of a run (32 hex) or of a logged model (`m-…`), and a path below its
    artifacts.
    """

    experiment_id: int
    run_id: str | None
    model_id: str | None
    path: str

    @property
    def under(self) -> Q:
        """Match what lies under the path's experiment, or belongs to it: they differ once a run was moved."""
        return Q(experiment=self.experiment_id) | Q(files_under=self.experiment_id)


def locate(path: str) -> Located:
    """Take a proxied path apart: `<experiment>/<run>/artifacts/…` or `<experiment>/models/<model>/artifacts/…`.

    Raises InvalidValue for an unsafe path and NotFound for one that belongs to no run and no model.
    """
    experiment, *rest = checked(path.lstrip("/")).split("/")
    if experiment.isascii() and experiment.isdigit() and len(experiment) <= 18:
        if len(rest) >= 3 and rest[0] == "models" and rest[2] == "artifacts":
            return Located(int(experiment), None, rest[1], "/".join(rest[3:]))
        if len(rest) >= 2 and rest[1] == "artifacts":
            return Located(int(experiment), rest[0], None, "/".join(rest[2:]))
    raise NotFound(_("There is no artifact “%s”.") % path[:200])
