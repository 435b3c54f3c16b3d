"""The runner of one attempt at one job: `python -m compute.node.runner <folder>`.

It outlives the node that started it. Whatever happens to it, its process goes too: the launcher ends what a process
leaves behind, and the command's own shim is below the runner's.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compute import launcher
from compute.environments import BadEnvironment, BuildFailed, Built
from compute.environments.build import LOG, builder_at
from compute.environments.spec import EnvironmentSpec
from compute.launcher import Observed
from compute.node import stages, work
from compute.node.client import Refused, StudioAway, StudioClient
from compute.node.logs import LogSender
from compute.node.pulse import Pulse
from compute.node.settings import read_settings
from compute.node.work import Work

logger = logging.getLogger(__name__)

GRACE_S = 10.0
LOOK_S = 0.1


@dataclass(frozen=True)
class Outcome:
    """How the attempt ended, in the words of the studio's API."""

    outcome: str
    error: str = ""
    exit_code: int | None = None
    cpu_s: float | None = None
    left_behind: dict[str, Any] | None = None


class Runner:
    """Leads one attempt through its stages."""

    def __init__(self, folder: Path) -> None:
        settings = read_settings()
        self.folder = folder
        self.work: Work = work.load(folder)
        self.client = StudioClient(settings.url, settings.token)
        self.builder = builder_at(settings.home)
        self.logs = LogSender(StudioClient(settings.url, settings.token), self.work)
        self.pulse = Pulse(StudioClient(settings.url, settings.token), self.work, lambda: self.logs.newest)
        self.command = folder / "process"

    def run(self) -> None:
        """Run to the end, and tell it until it is heard."""
        self.pulse.start()
        try:
            outcome = self._stages()
        except (stages.StageFailed, BuildFailed, BadEnvironment, launcher.LaunchError) as error:
            outcome = Outcome("failed", str(error))
        except OSError as error:
            logger.exception("the attempt broke off")
            outcome = Outcome("failed", f"The node met a problem of its machine: {error}")
        launcher.stop(self.command, GRACE_S)
        self.logs.close()
        self._tell(outcome)
        self.pulse.close()

    def _stages(self) -> Outcome:
        built = self._prepare()
        if self.pulse.wanted != "run":
            return Outcome("canceled")
        self.pulse.enter("Starting")
        # As root the command gets a user of its own, if that user can reach the interpreter.
        spec = work.command_process(self.folder, self.work, built.python, run_as_other=built.is_reachable)
        before = stages.code_as_it_was(spec.cwd)
        launcher.start(spec, again=False)
        self.logs.follow("std", spec.log)
        self.logs.follow_folder(spec.cwd / "logs")
        self.pulse.enter("Running")
        seen, reason = self._watch()
        self.pulse.enter("Finalizing")
        self._keep_outputs(spec.cwd)
        return replace(outcome_of(seen, reason), left_behind=stages.left_behind(spec.cwd, before))

    def _prepare(self) -> Built:
        owner = int(self.work.user) if os.getuid() == 0 else None
        if self.work.environment is not None:
            digest = EnvironmentSpec.from_json(self.work.environment).digest
            self.logs.follow("build", self.builder.root / digest / LOG)
        built = stages.build_environment(self.builder, self.work)
        owner = owner if built.is_reachable else None
        self._patiently(lambda: stages.fetch_code(self.client, self.work, self.folder, owner=owner))
        self._patiently(lambda: self._fetch_inputs(owner))
        return built

    def _fetch_inputs(self, owner: int | None) -> None:
        def still_wanted() -> bool:
            return self.pulse.wanted == "run"

        stages.fetch_inputs(self.client, self.work, self.folder, owner=owner, still_wanted=still_wanted)

    def _patiently(self, act: Any) -> None:
        """Repeat what needs the studio until it answers, unless the job is no longer wanted."""
        while self.pulse.wanted == "run":
            try:
                act()
                return
            except StudioAway as error:
                logger.warning("the studio is away: %s", error)
                time.sleep(1.0)
            except Refused as error:
                raise stages.StageFailed(f"The studio refused: {error}") from None

    def _watch(self) -> tuple[Observed, str]:
        """Wait for the command's end; bring it about when it is canceled or its time is over. Gives why, if we did."""
        began = time.monotonic()
        while (seen := launcher.observe(self.command)).state == "running":
            reason = self._reason_to_stop(time.monotonic() - began)
            if reason:
                launcher.stop(self.command, GRACE_S)
                return launcher.observe(self.command), reason
            time.sleep(LOOK_S)
        return seen, ""

    def _reason_to_stop(self, seconds: float) -> str:
        if self.pulse.wanted != "run":
            return "canceled"
        if self.work.time_limit_s and seconds > self.work.time_limit_s:
            return f"The job's time limit of {self.work.time_limit_s} s was over."
        return ""

    def _keep_outputs(self, code: Path) -> None:
        if self.pulse.wanted == "drop":
            return
        for _try in range(20):
            try:
                stages.upload_kept(self.work, code)
                return
            except StudioAway:
                time.sleep(1.0)
            except Refused as error:
                logger.warning("outputs refused: %s", error)
                return

    def _tell(self, outcome: Outcome) -> None:
        said = {name: value for name, value in vars(outcome).items() if value is not None}
        body = {"attempt": self.work.attempt, **said}
        while self.pulse.wanted != "drop":
            try:
                self.client.post(f"{self.work.path}/finish", body)
                return
            except StudioAway:
                time.sleep(1.0)
            except Refused as error:
                logger.warning("the end was refused: %s", error)
                return


def outcome_of(seen: Observed, reason: str) -> Outcome:
    """Say how the attempt ended, and why in a sentence."""
    if reason == "canceled":
        return Outcome("canceled", exit_code=seen.exit_code, cpu_s=seen.cpu_s)
    if reason:
        return Outcome("failed", reason, seen.exit_code, seen.cpu_s)
    if seen.exit_code == 0:
        return Outcome("completed", exit_code=0, cpu_s=seen.cpu_s)
    return Outcome("failed", why(seen), seen.exit_code, seen.cpu_s)


def why(seen: Observed) -> str:
    if seen.oom:
        return "The job ran out of memory: it went beyond its limit and was ended."
    if seen.detail:
        return f"The command could not run: {seen.detail}."
    if seen.exit_code is None:
        return "The command was killed together with its launcher."
    if seen.exit_code < 0:
        return f"The command was ended by signal {-seen.exit_code}."
    return f"The command ended with exit code {seen.exit_code}; its log says why."


def main() -> None:
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel("WARNING")
    Runner(Path(sys.argv[1])).run()


if __name__ == "__main__":
    main()
