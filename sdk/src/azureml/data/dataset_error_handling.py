"""What is wrong with data."""

from __future__ import annotations

from azureml.exceptions import UserErrorException


class DatasetValidationError(UserErrorException):
    """Paths that mean no files, or options that cannot be."""


class DatasetExecutionError(UserErrorException):
    """Files that could not be read as what they should be."""
