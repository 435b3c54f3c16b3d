"""What scripts import: `from azureml.core import Workspace, Experiment, Run, Model, …`."""

from azureml._offered import not_offered
from azureml.core.experiment import Experiment
from azureml.core.model import Model
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.core.run import Run, get_run
from azureml.core.workspace import Workspace

VERSION = __version__ = "1.62.0"

__all__ = ["VERSION", "Experiment", "Model", "ResourceConfiguration", "Run", "Workspace", "get_run"]

__getattr__ = not_offered(__name__)
