"""The old place of two names."""

from azureml.core.compute.target import ComputeTarget
from azureml.exceptions import ComputeTargetException

__all__ = ["ComputeTarget", "ComputeTargetException"]
