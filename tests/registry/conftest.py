import pytest

from tests.mlflow_client import Mlflow


@pytest.fixture(autouse=True)
def store_folder(settings, tmp_path):
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.STUDIO_SENDS_FILES_BY_GATEWAY = False
    return settings.ARTIFACTS_DIR


@pytest.fixture
def mlflow(bearer, alice_user, remembered) -> Mlflow:
    return Mlflow(bearer(alice_user))
