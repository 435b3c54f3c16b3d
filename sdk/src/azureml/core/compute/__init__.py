"""Compute targets of a workspace."""

from azureml._offered import not_offered
from azureml.core.compute.aks import AksCompute
from azureml.core.compute.amlcompute import AmlCompute
from azureml.core.compute.target import ComputeTarget
from azureml.exceptions import ComputeTargetException

__all__ = ["AksCompute", "AmlCompute", "ComputeTarget", "ComputeTargetException"]

__getattr__ = not_offered(__name__)
