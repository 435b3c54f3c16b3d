"""A name that the original has and a studio has not fails with a sentence, where it is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from azureml.exceptions import NotOffered

NAMES = {
    "Container", "ContainerImage", "Image", "Keyvault", "LinkedService", "PrivateEndPoint", "Pipeline",
    "ComputeInstance", "DatabricksCompute", "DataFactoryCompute", "HDInsightCompute", "RemoteCompute", "BatchCompute",
    "AdlaCompute", "SynapseCompute", "KubernetesCompute", "KustoCompute", "MpiConfiguration", "TensorflowConfiguration",
    "PyTorchConfiguration", "ParallelRunConfig", "AutoMLConfig",
    "OutputFileDatasetConfig", "OutputTabularDatasetConfig", "HyperDriveStep", "Estimator",
}  # fmt: skip


def not_offered(module: str) -> Callable[[str], Any]:
    """Make a module's `__getattr__`."""

    def answer(name: str) -> Any:
        if name in NAMES:
            raise NotOffered(f"{module}.{name} is not offered by the studio. docs/azureml.md lists what is.")
        raise AttributeError(f"module “{module}” has no attribute “{name}”")

    return answer
