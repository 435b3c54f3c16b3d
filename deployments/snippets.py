"""Code that calls an endpoint and runs as it stands: with a key in it, or with one in the environment."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from django.conf import settings

from deployments.models import Endpoint

KEY_VARIABLE = "STUDIO_ENDPOINT_KEY"  # or a token: both are sent alike


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


def javascript(endpoint: Endpoint, body: str, key: str = "") -> str:
    """Write a module for Node 18 and later, which brings `fetch`."""
    lines = ['    "Content-Type": "application/json",']
    if not endpoint.is_public:
        value = json.dumps(f"Bearer {key}") if key else f"`Bearer ${{process.env.{KEY_VARIABLE}}}`"
        lines.append(f"    Authorization: {value},")
    headers = "\n".join(lines)
    return (
        f"const answer = await fetch({json.dumps(scoring_url(endpoint))}, {{\n"
        '  method: "POST",\n'
        f"  headers: {{\n{headers}\n  }},\n"
        f"  body: JSON.stringify({_script_safe(body)}),\n"
        "});\n"
        "if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);\n"
        "console.log(await answer.json());\n"
    )


def csharp(endpoint: Endpoint, body: str, key: str = "") -> str:
    """Write a program of top-level statements (.NET 6 and later)."""
    known = json.dumps(key) if key else f'Environment.GetEnvironmentVariable("{KEY_VARIABLE}")'
    bearer = f'client.DefaultRequestHeaders.Authorization = new("Bearer", {known});\n'
    return (
        "using System.Text;\n\n"
        "using var client = new HttpClient();\n"
        f"{'' if endpoint.is_public else bearer}"
        f"var body = {_csharp_text(body)};\n"
        'var content = new StringContent(body, Encoding.UTF8, "application/json");\n'
        f"var answer = await client.PostAsync({json.dumps(scoring_url(endpoint))}, content);\n"
        "answer.EnsureSuccessStatusCode();\n"
        "Console.WriteLine(await answer.Content.ReadAsStringAsync());\n"
    )


def r(endpoint: Endpoint, body: str, key: str = "") -> str:
    """Write a script that needs the package httr2."""
    known = json.dumps(key) if key else f'Sys.getenv("{KEY_VARIABLE}")'
    bearer = "" if endpoint.is_public else f"  req_auth_bearer_token({known}) |>\n"
    return (
        "library(httr2)\n\n"
        f"answer <- request({json.dumps(scoring_url(endpoint))}) |>\n"
        f"{bearer}"
        f'  req_body_raw({_r_text(body)}, "application/json") |>\n'
        "  req_perform()\n"
        "print(resp_body_json(answer))\n"
    )


def snippets(endpoint: Endpoint, body: str, key: str = "") -> list[Snippet]:
    """Give the code in each language that the page offers."""
    writers = {"curl": curl, "Python": python, "JavaScript": javascript, "C#": csharp, "R": r}
    return [Snippet(label, write(endpoint, body, key)) for label, write in writers.items()]


def _script_safe(body: str) -> str:
    """Write a body as a JavaScript value; JSON is one, but for two line separators that older engines refuse."""
    return _compact(body).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _csharp_text(body: str) -> str:
    return json.dumps(_compact(body))  # JSON's escapes are C#'s, and what they cannot write is written \\u….


def _r_text(body: str) -> str:
    return json.dumps(_compact(body))


def _compact(body: str) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False)
    except (ValueError, RecursionError):
        return body
