from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registry"

    def ready(self) -> None:
        from experiments.purging import neighbours
        from registry import deletion, holding, purging
        from workspaces.deletion import register

        register(deletion.PARTICIPANT)
        neighbours.register(holding.NEIGHBOUR)
        purging.join()
