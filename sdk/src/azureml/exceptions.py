"""The exceptions that scripts catch.

AzureMLException
  UserErrorException                 what was asked cannot be right
    AuthenticationException
  ServiceException                   the studio answered with an error
  WorkspaceException  ProjectSystemException  ExperimentExecutionException  ActivityFailedException
  RunEnvironmentException  SnapshotException  RunConfigurationException  ComputeTargetException
  WebserviceException  ModelNotFoundException  ModelPathNotFoundException  TrainingException
  NotOffered                         a name of the original that a studio does not have
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from studio_sdk import errors


class AzureMLException(Exception):
    def __init__(self, exception_message: Any = "", *arguments: Any, inner_exception: Any = None, **_more: Any) -> None:
        super().__init__(str(exception_message), *arguments)
        self.message = str(exception_message)
        self.inner_exception = inner_exception

    def __str__(self) -> str:
        return self.message


class UserErrorException(AzureMLException):
    pass


class AuthenticationException(UserErrorException):
    pass


class ServiceException(AzureMLException):
    @property
    def status_code(self) -> int:
        return int(getattr(self.inner_exception, "status", 0))


class WorkspaceException(AzureMLException):
    pass


class ProjectSystemException(AzureMLException):
    pass


class ExperimentExecutionException(AzureMLException):
    pass


class ActivityFailedException(AzureMLException):
    def __init__(self, exception_message: Any = "", error_details: Any = None, **more: Any) -> None:
        super().__init__(exception_message, **more)
        self.error_details = error_details


class RunEnvironmentException(AzureMLException):
    pass


class SnapshotException(AzureMLException):
    pass


class RunConfigurationException(AzureMLException):
    pass


class ComputeTargetException(AzureMLException):
    pass


class WebserviceException(AzureMLException):
    pass


class ModelNotFoundException(AzureMLException):
    pass


class ModelPathNotFoundException(AzureMLException):
    pass


class TrainingException(AzureMLException):
    pass


class NotOffered(AzureMLException, ImportError):
    pass


@contextmanager
def translated(kind: type[AzureMLException] = ServiceException) -> Iterator[None]:
    """Raise what the studio's client raises as an exception that scripts know; `kind` for what the studio refused."""
    try:
        yield
    except (errors.Unauthenticated, errors.NotConfigured) as error:
        raise AuthenticationException(str(error), inner_exception=error) from None
    except errors.Refused as error:
        raise kind(str(error), inner_exception=error) from None
    except errors.StudioError as error:
        raise AzureMLException(str(error), inner_exception=error) from None
