"""HyperDrive: a script tried with other parameters, the best found. A studio calls it a sweep."""

from azureml._offered import not_offered
from azureml.train.hyperdrive.exceptions import (
    HyperDriveConfigException,
    HyperDriveNotImplementedException,
    HyperDriveScenarioNotSupportedException,
)
from azureml.train.hyperdrive.parameter_expressions import (
    choice,
    lognormal,
    loguniform,
    normal,
    qlognormal,
    qloguniform,
    qnormal,
    quniform,
    randint,
    uniform,
)
from azureml.train.hyperdrive.policy import (
    BanditPolicy,
    EarlyTerminationPolicy,
    MedianStoppingPolicy,
    NoTerminationPolicy,
    TruncationSelectionPolicy,
)
from azureml.train.hyperdrive.run import HyperDriveRun
from azureml.train.hyperdrive.runconfig import HyperDriveConfig, HyperDriveRunConfig, PrimaryMetricGoal
from azureml.train.hyperdrive.sampling import (
    BayesianParameterSampling,
    GridParameterSampling,
    HyperParameterSampling,
    RandomParameterSampling,
)

__all__ = [
    "BanditPolicy", "BayesianParameterSampling", "EarlyTerminationPolicy", "GridParameterSampling",
    "HyperDriveConfig", "HyperDriveConfigException", "HyperDriveNotImplementedException", "HyperDriveRun",
    "HyperDriveRunConfig", "HyperDriveScenarioNotSupportedException", "HyperParameterSampling", "MedianStoppingPolicy",
    "NoTerminationPolicy", "PrimaryMetricGoal", "RandomParameterSampling", "TruncationSelectionPolicy", "choice",
    "lognormal", "loguniform", "normal", "qlognormal", "qloguniform", "qnormal", "quniform", "randint", "uniform",
]  # fmt: skip

__getattr__ = not_offered(__name__)
