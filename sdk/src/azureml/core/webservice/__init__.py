"""Web services of a workspace."""

from azureml._offered import not_offered
from azureml.core.webservice.aci import AciWebservice
from azureml.core.webservice.aks import AksWebservice
from azureml.core.webservice.local import LocalWebservice
from azureml.core.webservice.webservice import Webservice
from azureml.exceptions import WebserviceException

__all__ = ["AciWebservice", "AksWebservice", "LocalWebservice", "Webservice", "WebserviceException"]

__getattr__ = not_offered(__name__)
