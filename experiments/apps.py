from typing import Any

from django.apps import AppConfig


class ExperimentsConfig(AppConfig):
    name = "experiments"

    def ready(self) -> None:
        from experiments import deletion
        from experiments.data import deletion as data_deletion
        from workspaces.deletion import register
        from workspaces.signals import workspace_created

        register(deletion.PARTICIPANT)
        register(data_deletion.PARTICIPANT)
        workspace_created.connect(give_default_experiment, dispatch_uid="default experiment")


def give_default_experiment(workspace: Any, **_keywords: Any) -> None:
    from experiments.operations import make_default_experiment

    make_default_experiment(workspace)
