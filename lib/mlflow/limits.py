"""MLflow's limits on names and values, and the random names that its server gives to runs."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache

from mlflow.utils.name_utils import _generate_random_name

import lib.mlflow  # noqa: F401  puts the bare parent before the import above
from lib.errors import InvalidValue

__all__ = [
    "MAX_EXPERIMENT_NAME_LENGTH",
    "MAX_EXPERIMENT_TAG_VAL_LENGTH",
    "MAX_MODEL_REGISTRY_TAG_VALUE_LENGTH",
    "MAX_REGISTERED_MODEL_ALIAS_LENGTH",
    "check_batch",
    "check_key",
    "check_model_name",
    "check_timestamp",
    "param_value",
    "random_name",
    "tag_value",
]

# `mlflow.utils.validation` says them too, and costs every process half of its start: it brings pydantic, OpenTelemetry
# and all of MLflow's entities. A test holds that both agree.
MAX_ENTITY_KEY_LENGTH = 250
MAX_PARAM_VAL_LENGTH = 6000
MAX_TAG_VAL_LENGTH = 8000
MAX_METRICS_PER_BATCH = 1000
MAX_PARAMS_TAGS_PER_BATCH = 100
MAX_ENTITIES_PER_BATCH = 1000
MAX_EXPERIMENT_NAME_LENGTH = 500
MAX_EXPERIMENT_TAG_VAL_LENGTH = 20_000
MAX_REGISTERED_MODEL_ALIAS_LENGTH = 255
MAX_MODEL_REGISTRY_TAG_VALUE_LENGTH = 100_000

KEY = re.compile(r"[/\w.\- :]*")
LEAST, MOST = -(2**63), 2**63 - 1


def random_name() -> str:
    """Make a name such as “clumsy-bee-123”."""
    return str(_generate_random_name())  # type: ignore[no-untyped-call]


# Remembered: a run of a thousand batches sends the same hundred keys with each.
@lru_cache(maxsize=10_000)
def check_key(key: str, what: str) -> str:
    """Give the key. Raises InvalidValue for one that is too long or could be another one as a path."""
    if not key:
        raise InvalidValue(f"Missing value for required parameter '{what}'.", field=what)
    if len(key) > MAX_ENTITY_KEY_LENGTH:
        raise InvalidValue(f"'{what}' exceeds the maximum length of {MAX_ENTITY_KEY_LENGTH} characters.", field=what)
    if not KEY.fullmatch(key):
        raise InvalidValue(
            f"Invalid value {key!r} for parameter '{what}' supplied: Names may only contain alphanumerics, "
            "underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).",
            field=what,
        )
    plain = posixpath.normpath(key)
    if plain != key or plain == "." or plain.startswith(("..", "/")):
        raise InvalidValue(
            f"Invalid value {key!r} for parameter '{what}' supplied: Names may be treated as files in certain "
            f"cases, and must not resolve to other names when treated as such. This name would resolve to {plain!r}",
            field=what,
        )
    return key


def param_value(value: str) -> str:
    """Cut a param's value as MLflow's server does."""
    return value[:MAX_PARAM_VAL_LENGTH]


def tag_value(value: str) -> str:
    return value[:MAX_TAG_VAL_LENGTH]


def check_timestamp(value: int, what: str = "timestamp") -> int:
    if not 0 <= value <= MOST:
        raise InvalidValue(
            f"Invalid value {value} for parameter '{what}' supplied: Timestamp must be a nonnegative "
            "long (64-bit integer)",
            field=what,
        )
    return value


def check_batch(metrics: int, params: int, tags: int) -> None:
    """Raise InvalidValue for a batch above MLflow's limits; clients split theirs."""
    for what, count, most in (
        ("metrics", metrics, MAX_METRICS_PER_BATCH),
        ("params", params, MAX_PARAMS_TAGS_PER_BATCH),
        ("tags", tags, MAX_PARAMS_TAGS_PER_BATCH),
        ("metrics, params, and tags", metrics + params + tags, MAX_ENTITIES_PER_BATCH),
    ):
        if count > most:
            raise InvalidValue(
                f"A batch logging request can contain at most {most} {what}. Got {count} {what}. Please split "
                f"up {what} across multiple requests and try again."
            )


def check_model_name(name: str) -> str:
    """Raise InvalidValue for a name that a registered model cannot have."""
    if not name.strip():
        raise InvalidValue("Missing value for required parameter 'name'.", field="name")
    if "/" in name or ":" in name:
        raise InvalidValue(f"Invalid model name '{name}'. Names cannot contain '/' or ':'.", field="name")
    if posixpath.normpath(name) != name or name in (".", ".."):
        raise InvalidValue(
            f"Invalid model name '{name}': it must not be another name when treated as a path.", field="name"
        )
    if len(name) > 256:
        raise InvalidValue("A model's name has at most 256 characters.", field="name")
    return name
