from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registry"

    def ready(self) -> None:
        from registry import deletion
        from workspaces.deletion import register

        register(deletion.PARTICIPANT)
