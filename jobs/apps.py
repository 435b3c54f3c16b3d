from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        from experiments.purging import neighbours
        from jobs import deletion
        from workspaces.deletion import register

        register(deletion.PARTICIPANT)
        neighbours.register(deletion.NEIGHBOUR)
