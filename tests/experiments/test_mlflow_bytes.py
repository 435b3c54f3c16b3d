"""Bodies and addresses whose bytes are not what they seem: refused with 400, or stored as they are; never a 500."""

import gzip
import json

import pytest

from experiments import operations
from experiments.models import Experiment, RunTag

pytestmark = pytest.mark.django_db
BATCH, TAG = "/api/2.0/mlflow/runs/log-batch", "/api/2.0/mlflow/runs/set-tag"
LOGGED = "/api/2.0/mlflow/logged-models"


@pytest.fixture
def run(alice, workspace):
    return operations.create_run(alice, Experiment.objects.get(workspace=workspace))


@pytest.fixture
def post(bearer, alice_user):
    client = bearer(alice_user)
    client.raise_request_exception = False

    def send(path, body, **headers):
        return client.generic("POST", path, body, **{"content_type": "application/json", **headers})

    send.get = client.get
    return send


def tag(run, value):
    return f'{{"run_id": "{run.pk}", "key": "k", "value": {value}}}'


def tags(run, value):
    return f'{{"run_id": "{run.pk}", "tags": [{{"key": "k", "value": {value}}}]}}'


def bodies(run, tag=tag):
    """Values that look harmless as bytes and are not what they look like as text."""
    inner = tag(run, r'"a\u0000"')
    return {
        "UTF-16 with an escaped NUL": tag(run, r'"a\u0000"').encode("utf-16"),
        "UTF-16, harmless": tag(run, '"a"').encode("utf-16"),
        "UTF-32 with an escaped surrogate": tag(run, r'"\ud800"').encode("utf-32-le"),
        "a surrogate's own bytes": tag(run, '"\ud800"').encode("utf-8", "surrogatepass"),
        "overlong slash": tag(run, '"X"').encode().replace(b"X", b"\xc0\xaf"),
        "cut in a letter": tag(run, '"X"').encode().replace(b"X", b"\xc3"),
        "a byte order mark": b"\xef\xbb\xbf" + tag(run, '"a"').encode(),
        "an escaped NUL": tag(run, r'"a\u0000"').encode(),
        "a lone surrogate": tag(run, r'"\uD83D"').encode(),
        "an escaped NUL, twice encoded": json.dumps(inner).encode(),
        "a hidden escape, twice encoded": json.dumps(inner).replace("u0000", r"\u00750000").encode(),
        "a raw NUL": tag(run, '"a\x00"').encode(),
        "a raw line break": tag(run, '"a\n"').encode(),
        "trailing text": tag(run, '"a"').encode() + b"]",
        "two objects": tag(run, '"a"').encode() * 2,
        "compressed": gzip.compress(tag(run, '"a"').encode()),
        "a bomb": gzip.compress(b" " * 10_000_000),
    }


NAMES = list(bodies(type("Run", (), {"pk": "0" * 32})))


@pytest.mark.parametrize(("path", "write"), [(TAG, tag), (BATCH, tags)], ids=["message", "batch"])
@pytest.mark.parametrize("name", NAMES)
def test_odd_bytes_are_refused(post, run, path, write, name):
    headers = {"HTTP_CONTENT_ENCODING": "gzip"} if name in ("compressed", "a bomb") else {}
    answer = post(path, bodies(run, write)[name], **headers)
    assert answer.status_code == 400, answer.content
    assert set(answer.json()) >= {"error_code", "message"}
    assert not RunTag.objects.filter(run=run, key="k").exists()


@pytest.mark.parametrize("text", ["\\u202eabc", "\\r\\nSet-Cookie: a=b", "\\u001b[31m", "{{7*7}}", "\\ud83d\\ude00"])
def test_odd_but_whole_texts_are_kept_as_they_are(post, run, text):
    assert post(TAG, tag(run, f'"{text}"')).status_code == 200
    found = post.get(f"/api/2.0/mlflow/runs/get?run_id={run.pk}")
    tags = {one["key"]: one["value"] for one in found.json()["run"]["data"]["tags"]}
    assert tags["k"] == json.loads(f'"{text}"')


def test_of_a_doubled_field_the_last_counts_alone(post, run):
    twice = f'{{"run_id": "x", "run_id": "{run.pk}", "key": "k", "value": "a", "value": "b"}}'
    assert post(TAG, twice).status_code == 200
    assert RunTag.objects.get(run=run, key="k").value == "b"


NUMBERS = ["9" * 5000, "1e400", "-1e400", "1" + "0" * 400, "9223372036854775808", "-9223372036854775809", "NaN", "0x10"]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", ["timestamp", "step", "value"])
def test_a_number_out_of_range_is_refused_on_both_roads(post, run, field, number):
    point = {"key": '"m"', "value": "1.5", "timestamp": "5", "step": "1", field: number}
    text = ", ".join(f'"{name}": {value}' for name, value in point.items())
    answers = [
        post("/api/2.0/mlflow/runs/log-metric", f'{{"run_id": "{run.pk}", {text}}}'),
        post(BATCH, f'{{"run_id": "{run.pk}", "metrics": [{{{text}}}]}}'),
    ]

    fits_a_double = field == "value" and number.lstrip("-").startswith("92233720")
    for answer in answers:
        if fits_a_double:
            assert answer.status_code == 200
        else:
            assert answer.status_code < 500
            assert answer.status_code == 400 or number == "NaN", (number, answer.content)
    assert len({answer.status_code for answer in answers}) == 1, [one.content for one in answers]


DEEP = [
    "[" * 100_000,
    '{"a":' * 100_000,
    '{"run_id": ' + "[" * 900 + "]" * 900 + "}",
    '{"run_id": ' + "[" * 1000 + '"\\u0000"' + "]" * 1000 + "}",
    '{"tags": [' + '{"key":[' * 400,
]


@pytest.mark.parametrize("body", DEEP, ids=["lists", "objects", "in a field", "a NUL in a field", "in an item"])
def test_depth_is_refused(post, body):
    for path in (TAG, BATCH, LOGGED):
        assert post(path, body).status_code == 400


PATHS = [
    f"{LOGGED}/%00", f"{LOGGED}/m-%ed%a0%80", f"{LOGGED}/..%2f..%2fetc", f"{LOGGED}/%252e%252e",
    f"{LOGGED}/m-1/tags/%00", f"{LOGGED}/{'x' * 5000}",
    "/api/2.0/mlflow-artifacts/artifacts/0/%00", "/api/2.0/mlflow-artifacts/artifacts/%2e%2e/x",
    "/api/2.0/mlflow-artifacts/artifacts/0/..;/x", "/api/2.0/mlflow-artifacts/artifacts//etc/passwd",
    "/api/2.0/mlflow/artifacts/list?run_id=0&path=%2e%2e%2f", "/api/2.0/mlflow/runs/get?run_id=%00",
    "/api/2.0/mlflow/runs/get?run_id=%ff%fe", "/api/2.0/mlflow/runs/get?run_id=a&run_id=b",
    "/w/%00/api/2.0/mlflow/runs/get?run_id=a", "/w/..%2fmain/api/2.0/mlflow/runs/get?run_id=a",
    "/api/2.0/mlflow/experiments/get?experiment_id=%D9%A1",
    "/api/2.0/mlflow/experiments/get?experiment_id=" + "9" * 400,
    "/api/2.0/mlflow/webhooks/%00", "/api/2.0/mlflow/metrics/get-history?run_id=a&metric_key=%00&page_token=%00",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_odd_addresses_are_refused(post, path):
    answer = post.get(path)
    assert 400 <= answer.status_code < 500, (path, answer.content)
    assert b"Traceback" not in answer.content
    assert b"SELECT" not in answer.content


@pytest.mark.parametrize("name", ["main\r\nX-Evil: 1", "m\xffin", "../main", "a" * 10_000, "main,other", "%2e"])
def test_a_workspace_that_is_named_oddly_is_not_found(post, run, name):
    answer = post(TAG, tag(run, '"a"'), HTTP_X_MLFLOW_WORKSPACE=name)
    assert 400 <= answer.status_code < 500
    assert "X-Evil" not in answer.headers
