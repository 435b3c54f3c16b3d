from django.apps import AppConfig


class LibConfig(AppConfig):
    """Carries template tags only."""

    name = "lib"
    label = "studio_lib"
