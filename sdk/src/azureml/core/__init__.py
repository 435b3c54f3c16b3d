"""What scripts import: `from azureml.core import Workspace, Experiment, Run, Model, …`."""

from studio_sdk.start import complete_mlflow

from azureml._offered import not_offered
from azureml.core.compute import ComputeTarget
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.dataset import Dataset
from azureml.core.datastore import Datastore
from azureml.core.environment import Environment
from azureml.core.experiment import Experiment
from azureml.core.model import Model
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.core.run import Run, get_run
from azureml.core.runconfig import RunConfiguration
from azureml.core.script_run_config import ScriptRunConfig
from azureml.core.webservice import Webservice
from azureml.core.workspace import Workspace

VERSION = __version__ = "1.62.0"

complete_mlflow()

__all__ = [
    "VERSION", "ComputeTarget", "CondaDependencies", "Dataset", "Datastore", "Environment", "Experiment", "Model",
    "ResourceConfiguration", "Run", "RunConfiguration", "ScriptRunConfig", "Webservice", "Workspace", "get_run",
]  # fmt: skip

__getattr__ = not_offered(__name__)
