"""What a model asks of the service that serves it."""

from __future__ import annotations

from azureml.exceptions import UserErrorException


class ResourceConfiguration:
    """`cpu` in cores, `memory_in_gb` in GB. Raises UserErrorException for what is not above zero."""

    def __init__(self, cpu: float | None = None, memory_in_gb: float | None = None, gpu: int | None = None) -> None:
        for name, value in (("cpu", cpu), ("memory_in_gb", memory_in_gb)):
            if value is not None and value <= 0:
                raise UserErrorException(f"{name} must be above 0, not {value}.")
        self.cpu, self.memory_in_gb, self.gpu = cpu, memory_in_gb, gpu

    def serialize(self) -> dict[str, float | int | None]:
        return {"cpu": self.cpu, "memoryInGB": self.memory_in_gb, "gpu": self.gpu}

    @classmethod
    def deserialize(cls, content: dict[str, float | int | None]) -> ResourceConfiguration:
        return cls(content.get("cpu"), content.get("memoryInGB"), content.get("gpu"))  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"ResourceConfiguration(cpu={self.cpu}, memory_in_gb={self.memory_in_gb}, gpu={self.gpu})"
