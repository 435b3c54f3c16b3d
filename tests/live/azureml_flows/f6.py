"""F6: make an inference cluster and deploy to it, with keys."""

import json

import mlflow
import mlflow.azureml
from azureml.core import Workspace
from azureml.core.compute import AksCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.core.webservice import AksWebservice
from azureml.exceptions import WebserviceException
from sklearn.datasets import load_diabetes

ws = Workspace.from_config()
mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())
try:
    aks_target = ComputeTarget(workspace=ws, name="aks-mlflow")
except ComputeTargetException:
    aks_target = ComputeTarget.create(
        workspace=ws, name="aks-mlflow", provisioning_configuration=AksCompute.provisioning_configuration()
    )
aks_target.wait_for_completion(show_output=True)
assert aks_target.provisioning_state == "Succeeded"
assert aks_target.provisioning_errors is None

elsewhere = AksWebservice.deploy_configuration(compute_target_name="aks-nowhere")
try:
    mlflow.azureml.deploy("models:/my-model/1", ws, elsewhere, service_name="aks-service")
except WebserviceException as error:
    assert "aks-nowhere" in str(error), error
else:
    raise SystemExit("a service was deployed to a cluster that is not there")

aks_config = AksWebservice.deploy_configuration(
    enable_app_insights=True, compute_target_name="aks-mlflow", cpu_cores=0.5, memory_gb=1, num_replicas=1,
    autoscale_enabled=False,
)  # fmt: skip
webservice, _model = mlflow.azureml.deploy("models:/my-model/1", ws, aks_config, service_name="aks-service")
body = json.dumps({"input_data": load_diabetes().data[:1].tolist()})
first = webservice.run(body)
webservice.regen_key("Primary")
assert webservice.run(body) == first
webservice.delete()
print("F6 done")
