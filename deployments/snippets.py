"""Code that calls an endpoint and runs as it stands: with a key in it, or with one in the environment."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from django.conf import settings

from deployments.models import Endpoint

KEY_VARIABLE = "STUDIO_ENDPOINT_KEY"


@dataclass(frozen=True)
class Snippet:
    label: str
    text: str


def scoring_url(endpoint: Endpoint) -> str:
    return f"{settings.STUDIO_URL}{endpoint.path}/score"


def swagger_url(endpoint: Endpoint) -> str:
    return f"{settings.STUDIO_URL}{endpoint.path}/swagger.json"


def curl(endpoint: Endpoint, body: str, key: str = "") -> str:
    """Write a command for a POSIX shell."""
    lines = [f"curl -sS {shlex.quote(scoring_url(endpoint))}"]
    if not endpoint.is_public:
        bearer = "Authorization: Bearer "
        lines.append(f"-H {shlex.quote(bearer + key)}" if key else f'-H "{bearer}${KEY_VARIABLE}"')
    lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(_compact(body))}"]
    return " \\\n  ".join(lines)


def python(endpoint: Endpoint, body: str, key: str = "") -> str:
    """Write a program that needs nothing but Python."""
    headers, more = '"Content-Type": "application/json"', ""
    if not endpoint.is_public and key:
        headers += f', "Authorization": {f"Bearer {key}"!r}'
    elif not endpoint.is_public:
        headers, more = f'{headers}, "Authorization": "Bearer " + os.environ["{KEY_VARIABLE}"]', "import os\n"
    return (
        "import json\n"
        f"{more}"
        "import urllib.request\n\n"
        f"body = json.loads({_compact(body)!r})\n"
        "request = urllib.request.Request(\n"
        f"    {scoring_url(endpoint)!r},\n"
        "    data=json.dumps(body).encode(),\n"
        f"    headers={{{headers}}},\n"
        ")\n"
        "with urllib.request.urlopen(request, timeout=60) as answer:\n"
        "    print(json.loads(answer.read()))\n"
    )


def snippets(endpoint: Endpoint, body: str, key: str = "") -> list[Snippet]:
    return [Snippet("curl", curl(endpoint, body, key)), Snippet("Python", python(endpoint, body, key))]


def _compact(body: str) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False)
    except (ValueError, RecursionError):
        return body
