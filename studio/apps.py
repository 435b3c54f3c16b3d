from django.apps import AppConfig


class StudioConfig(AppConfig):
    name = "studio"

    def ready(self) -> None:
        # Makes it the application of every `shared_task`. Not in studio/__init__, which the supervisor imports too.
        from studio.celery import app  # noqa: F401
