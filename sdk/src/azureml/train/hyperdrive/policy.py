"""When a try is given up before its end."""

from __future__ import annotations

from typing import Any

from azureml.train.hyperdrive.exceptions import HyperDriveConfigException


class EarlyTerminationPolicy:
    """Looks at every `evaluation_interval`-th report of the primary metric, from the `delay_evaluation`-th on."""

    POLICY_NAME = "Default"
    _kind = "none"

    def __init__(self, evaluation_interval: int = 1, delay_evaluation: int = 0) -> None:
        if whole(evaluation_interval, "evaluation_interval") < 1:
            raise HyperDriveConfigException("evaluation_interval is 1 or more.")
        if whole(delay_evaluation, "delay_evaluation") < 0:
            raise HyperDriveConfigException("delay_evaluation is 0 or more.")
        self.evaluation_interval, self.delay_evaluation = int(evaluation_interval), int(delay_evaluation)

    def _asked(self) -> dict[str, Any]:
        """Write it as the studio's API takes it."""
        return {
            "kind": self._kind, "evaluation_interval": self.evaluation_interval,
            "delay_evaluation": self.delay_evaluation,
        }  # fmt: skip


class NoTerminationPolicy(EarlyTerminationPolicy):
    POLICY_NAME = "NoTermination"

    def __init__(self) -> None:
        super().__init__()


class BanditPolicy(EarlyTerminationPolicy):
    """Gives up a try whose best value is not within a slack, a factor or an amount, of the best of all."""

    POLICY_NAME = "Bandit"
    _kind = "bandit"

    def __init__(
        self, evaluation_interval: int = 1, slack_factor: float | None = None, slack_amount: float | None = None,
        delay_evaluation: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(evaluation_interval, delay_evaluation)
        if (slack_factor is None) == (slack_amount is None):
            raise HyperDriveConfigException("BanditPolicy takes a slack_factor or a slack_amount, one of them.")
        for name, value in (("slack_factor", slack_factor), ("slack_amount", slack_amount)):
            if value is not None and not float(value) > 0:
                raise HyperDriveConfigException(f"{name} is above 0, not {value}.")
        self.slack_factor, self.slack_amount = slack_factor, slack_amount

    def _asked(self) -> dict[str, Any]:
        return {**super()._asked(), "slack_factor": self.slack_factor, "slack_amount": self.slack_amount}


class MedianStoppingPolicy(EarlyTerminationPolicy):
    """Gives up a try whose best value is worse than the median of all running averages."""

    POLICY_NAME = "MedianStopping"
    _kind = "median"


class TruncationSelectionPolicy(EarlyTerminationPolicy):
    """Gives up the tries among the last so many percent."""

    POLICY_NAME = "TruncationSelection"
    _kind = "truncation"

    def __init__(
        self, truncation_percentage: int, evaluation_interval: int = 1, delay_evaluation: int = 0,
        exclude_finished_jobs: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(evaluation_interval, delay_evaluation)
        if not 1 <= whole(truncation_percentage, "truncation_percentage") <= 99:
            raise HyperDriveConfigException("truncation_percentage is 1 to 99.")
        self.truncation_percentage = int(truncation_percentage)

    def _asked(self) -> dict[str, Any]:
        return {**super()._asked(), "truncation_percentage": self.truncation_percentage}


def whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise HyperDriveConfigException(f"{name} is a whole number, not “{value}”.")
    return value
