"""What is wrong with a sweep before it is one.

TrainingException
  HyperDriveConfigException                  a value that cannot be
  HyperDriveScenarioNotSupportedException    values that do not go together
  HyperDriveNotImplementedException          what a studio has not
"""

from __future__ import annotations

from azureml.exceptions import TrainingException


class HyperDriveConfigException(TrainingException):
    pass


class HyperDriveScenarioNotSupportedException(TrainingException):
    pass


class HyperDriveNotImplementedException(TrainingException):
    pass
