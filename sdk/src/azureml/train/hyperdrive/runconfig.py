"""What a sweep is made of."""

from __future__ import annotations

import warnings
from typing import Any

from studio_sdk.hyperdrive import PrimaryMetricGoal

from azureml._offered import not_offered
from azureml.core.experiment import Experiment
from azureml.core.script_run_config import ScriptRunConfig
from azureml.exceptions import TrainingException, translated
from azureml.train.hyperdrive.exceptions import (
    HyperDriveConfigException,
    HyperDriveNotImplementedException,
    HyperDriveScenarioNotSupportedException,
)
from azureml.train.hyperdrive.policy import EarlyTerminationPolicy, NoTerminationPolicy
from azureml.train.hyperdrive.sampling import BayesianParameterSampling, GridParameterSampling, HyperParameterSampling

LONGEST_MINUTES = 10_080
MOST_RUNS = 1000
MOST_AT_ONCE = 100


class HyperDriveConfig:
    """A script (`run_config`, a ScriptRunConfig), what of it varies, and which metric says how good a try is.

    Raises HyperDriveConfigException, before anything is sent, for values that cannot be.
    """

    def __init__(
        self,
        hyperparameter_sampling: HyperParameterSampling,
        primary_metric_name: str,
        primary_metric_goal: str,
        max_total_runs: int,
        max_concurrent_runs: int | None = None,
        max_duration_minutes: int | None = LONGEST_MINUTES,
        policy: EarlyTerminationPolicy | None = None,
        estimator: Any = None,
        run_config: ScriptRunConfig | None = None,
        resume_from: Any = None,
        resume_child_runs: Any = None,
        pipeline: Any = None,
        debug_flag: Any = None,
        custom_run_id: Any = None,
    ) -> None:
        if estimator is not None or pipeline is not None:
            raise HyperDriveNotImplementedException("A studio tries scripts: give run_config, a ScriptRunConfig.")
        if resume_from or resume_child_runs:
            raise HyperDriveNotImplementedException("A sweep of a studio is not resumed: start another one.")
        self._sampling, self._policy = hyperparameter_sampling, policy or NoTerminationPolicy()
        self._metric, self._goal = primary_metric_name, primary_metric_goal
        self._total, self._at_once, self._minutes = max_total_runs, max_concurrent_runs, max_duration_minutes
        self.run_config = run_config
        self._check()

    def _check(self) -> None:
        if not isinstance(self._sampling, HyperParameterSampling):
            raise HyperDriveConfigException("hyperparameter_sampling is a sampling, such as RandomParameterSampling.")
        if not isinstance(self._policy, EarlyTerminationPolicy):
            raise HyperDriveConfigException("policy is an early termination policy, such as BanditPolicy.")
        if not isinstance(self.run_config, ScriptRunConfig):
            raise HyperDriveConfigException("run_config is a ScriptRunConfig.")
        if not self._metric or not isinstance(self._metric, str):
            raise HyperDriveConfigException("Name the primary metric.")
        if str(self._goal).upper() not in (PrimaryMetricGoal.MAXIMIZE, PrimaryMetricGoal.MINIMIZE):
            raise HyperDriveConfigException(f"primary_metric_goal is MAXIMIZE or MINIMIZE, not “{self._goal}”.")
        between("max_total_runs", self._total, MOST_RUNS)
        between("max_concurrent_runs", self._at_once, MOST_AT_ONCE)
        between("max_duration_minutes", self._minutes, 43_200)
        if self._at_once is not None and self._at_once > self._total:
            raise HyperDriveConfigException("max_concurrent_runs is at most max_total_runs.")
        if isinstance(self._sampling, BayesianParameterSampling) and self._policy._kind != "none":
            raise HyperDriveScenarioNotSupportedException("Bayesian sampling goes with no early termination policy.")

    @property
    def _target(self) -> str:
        assert self.run_config is not None
        target = str(self.run_config.run_config.target)
        if target == "local":
            raise HyperDriveScenarioNotSupportedException(
                "A sweep runs on a cluster: give the ScriptRunConfig a compute_target, such as “local-cluster”, the "
                "studio's own machine."
            )
        return target

    def _submit(self, experiment: Experiment, tags: dict[str, str]) -> Any:
        """Send code and sweep; called by `Experiment.submit`."""
        from azureml._jobs.submission import job_of
        from azureml.train.hyperdrive.run import HyperDriveRun

        target = self._target
        if isinstance(self._sampling, BayesianParameterSampling):
            warnings.warn("Bayesian sampling is done as random sampling by a studio.", stacklevel=4)
        assert self.run_config is not None
        asked: dict[str, Any] = {
            "experiment": experiment.name,
            "job": job_of(experiment.workspace, self.run_config, target, tags),
            **self._asked(),
        }
        with translated(TrainingException):
            row = experiment.workspace._api.post("sweeps", asked)
        return HyperDriveRun(experiment, row["run_id"], hyperdrive_config=self)

    def _asked(self) -> dict[str, Any]:
        """Write it, without the job, as the studio's API takes it."""
        is_grid = isinstance(self._sampling, GridParameterSampling)
        limits = {
            "max_total_runs": min(self._total, self._sampling._size) if is_grid else self._total,  # type: ignore[attr-defined]
            "max_concurrent_runs": self._at_once,
            "max_duration_minutes": self._minutes,
        }
        return {
            "sampling": self._sampling._asked(),
            "primary_metric": {"name": self._metric, "goal": str(self._goal).lower()},
            "policy": self._policy._asked(),
            **{name: value for name, value in limits.items() if value is not None},
        }


HyperDriveRunConfig = HyperDriveConfig  # its name in early versions


def between(name: str, value: Any, most: int) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most):
        raise HyperDriveConfigException(f"{name} is a whole number from 1 to {most}, not “{value}”.")


__all__ = ["HyperDriveConfig", "HyperDriveRunConfig", "PrimaryMetricGoal"]
__getattr__ = not_offered(__name__)
