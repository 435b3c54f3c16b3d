"""Routes, parsing and answers of the wire, without any of our models."""

import json
import subprocess
import sys

import pytest
from django.test import RequestFactory
from django.urls import resolve

from lib.errors import InvalidValue
from lib.mlflow import batch, limits, paging, wire
from lib.mlflow.messages import endpoints, service
from lib.mlflow.not_served import REASONS
from lib.mlflow.rpc import HANDLERS
from lib.search import dialects, parse_filter, parse_order
from studio import mlflow_urls

assert mlflow_urls.urlpatterns  # collects the handlers

NAMES = sorted({endpoint.message for endpoint in endpoints()})


@pytest.mark.parametrize("name", NAMES)
def test_an_rpc_is_served_or_said_not_to_be(name):
    short = name.rsplit(".", 1)[-1]
    assert (name in HANDLERS) != (short in REASONS), f"{name} must be served or listed in NOT_SERVED, and not both"


def test_nothing_is_listed_that_does_not_exist():
    assert set(REASONS) <= {name.rsplit(".", 1)[-1] for name in NAMES}


@pytest.mark.parametrize("front", ["", "/w/main"])
@pytest.mark.parametrize("prefix", ["api", "ajax-api"])
def test_every_rpc_has_its_route_under_every_prefix(front, prefix):
    for endpoint in endpoints():
        path = endpoint.path.replace("<path:artifact_path>", "1/2/artifacts/a b").replace("{tag_key}", "a/b")
        path = "/".join("x" if part.startswith("{") else part for part in path.split("/"))
        found = resolve(f"{front}/{prefix}/{endpoint.major}.0{path}")
        assert endpoint.message.rsplit(".", 1)[-1] in found.func.__name__


HEAVY = (
    "pandas",
    "flask",
    "sqlalchemy",
    "sklearn",
    "pydantic",
    "mlflow.entities",
    "fsspec",
    "botocore",
    "azure",
    "gcsfs",
)


def test_nothing_heavy_and_no_whole_mlflow_in_a_web_process():
    code = (
        "import sys, studio.wsgi; from django.urls import get_resolver; get_resolver().url_patterns; "
        f"print([name for name in {HEAVY} if name in sys.modules], hasattr(sys.modules['mlflow'], 'start_run'))"
    )
    answer = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[] False"


def test_the_limits_are_mlflows():
    import mlflow.entities  # noqa: F401  before validation, which it imports in a circle
    from mlflow.utils import validation

    ours = {name: value for name, value in vars(limits).items() if name.startswith("MAX_")}
    assert len(ours) == 10
    assert ours == {name: getattr(validation, name) for name in ours}


# ---- Requests -------------------------------------------------------------------------------------------------------

factory = RequestFactory()


def post(content, kind="application/json"):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return factory.post("/", body, content_type=kind)


def read(content, message=service.CreateRun, **keywords):
    return wire.read(post(content, **keywords), message, {})


def test_names_come_in_both_forms_and_unknown_fields_are_ignored():
    message = read({"experimentId": "7", "run_name": "a", "later": {"x": 1}, "startTime": "12"})
    assert (message.experiment_id, message.run_name, message.start_time) == ("7", "a", 12)
    assert read(b"").experiment_id == ""
    assert read(json.dumps(json.dumps({"run_name": "twice"})).encode()).run_name == "twice"


BROKEN = [
    b"{",
    b"[]",
    b"7",
    b"null",
    b'"x"',
    b"{} trailing",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"start_time": ' + b"9" * 5000 + b"}",
    b'{"run_name": "a\\u0000b"}',
    b'{"run_name": "\\ud800"}',
    b'{"run_name": 7}',
    b'{"run_name": ["a"]}',
    b'{"tags": {"key": "a"}}',
    b'{"tags": [null]}',
    b'{"tags": [{"key": {}}]}',
    b'{"start_time": 1.5}',
    b'{"start_time": 9223372036854775808}',
    b'{"start_time": "soon"}',
    b'{"experiment_id": "1", "experimentId": "2"}',
]


@pytest.mark.parametrize("body", BROKEN, ids=[str(body[:40]) for body in BROKEN])
def test_nonsense_is_refused_with_a_sentence(body):
    with pytest.raises(InvalidValue) as caught:
        read(body)
    assert len(caught.value.message) < 700


def test_an_unknown_choice_and_a_wrong_content_type_are_refused():
    with pytest.raises(InvalidValue, match="status"):
        read({"run_id": "a", "status": "DREAMING"}, service.UpdateRun)
    assert read({"run_id": "a", "status": 3}, service.UpdateRun).status == service.FINISHED
    with pytest.raises(InvalidValue, match="application/json"):
        read({}, kind="text/plain")


def test_a_query_string_is_read_by_the_types_of_the_message():
    request = factory.get("/", {"run_ids": ["a", "b"], "metric_key": "m", "max_results": "5", "other": "x"})
    message = wire.read(request, service.GetMetricHistoryBulkInterval, {})
    assert (list(message.run_ids), message.metric_key, message.max_results) == (["a", "b"], "m", 5)
    for query in ({"max_results": "abc"}, {"max_results": "1" * 30}, {"metric_key": "a\x00"}, {"max_results": "1.5"}):
        with pytest.raises(InvalidValue):
            wire.read(factory.get("/", query), service.GetMetricHistoryBulkInterval, {})


def test_numbers_that_json_lacks_are_answered_as_mlflow_does():
    numbers = [wire.number(value) for value in (float("nan"), float("inf"), float("-inf"), 1.5)]
    assert numbers == ["NaN", 1.7976931348623157e308, -1.7976931348623157e308, 1.5]


# ---- log-batch: two roads -------------------------------------------------------------------------------------------

GOOD = {"key": "a", "value": 1.5, "timestamp": 10, "step": 2}
BATCHES = [
    {},
    {"run_id": "r", "metrics": [GOOD], "params": [{"key": "p", "value": "1"}], "tags": [{"key": "t", "value": "é"}]},
    {"runId": "r", "metrics": [{**GOOD, "modelId": "m-1", "dataset_name": "d", "datasetDigest": "x"}]},
    {"metrics": [{**GOOD, "value": "NaN"}, {**GOOD, "value": "Infinity"}, {**GOOD, "value": "-Infinity"}]},
    {"metrics": [{**GOOD, "value": 3}, {**GOOD, "value": "2.5"}, {**GOOD, "step": "7"}, {**GOOD, "timestamp": "8"}]},
    {"metrics": [{**GOOD, "step": -(2**63)}, {**GOOD, "step": 2**63 - 1}, {**GOOD, "step": 4.0}]},
    {"metrics": [{"key": "a", "value": 1.0, "timestamp": 1}], "other": [1]},
    {"metrics": [GOOD, {**GOOD, "key": "ü", "value": -0.0, "timestamp": 0, "step": -1}, {**GOOD, "step": -(2**63)}]},
    {"metrics": [GOOD, {**GOOD, "timestamp": -1}]},
    {"metrics": [GOOD, {**GOOD, "timestamp": 2**63}]},
    {"metrics": [GOOD, {**GOOD, "step": -(2**63) - 1}]},
    {"metrics": [GOOD, {"key": "a", "value": 1.5, "timestamp": 10, "model_id": "m-1"}]},
    {"metrics": [GOOD, {"key": "a", "value": 1.5, "timestamp": 10, "model_id": 7}]},
    {"metrics": ["abcd"]},
    {"metrics": {"abcd": GOOD}},
    {"metrics": None, "tags": []},
    {"metrics": [{**GOOD, "step": 1.5}]},
    {"metrics": [{**GOOD, "step": 2**63}]},
    {"metrics": [{**GOOD, "value": "many"}]},
    {"metrics": [{**GOOD, "value": [1]}]},
    {"metrics": [{**GOOD, "timestamp": {}}]},
    {"metrics": [{**GOOD, "key": 7}]},
    {"metrics": [None]},
    {"metrics": [7]},
    {"metrics": {"key": "a"}},
    {"params": [{"key": "p", "value": 1}]},
    {"run_id": 7},
    {"run_id": "a", "runId": "b"},
]


def by_message(content):
    message = wire.fill(service.LogBatch(), content)
    for one in message.metrics:
        if not one.HasField("value") or not one.HasField("timestamp"):
            raise InvalidValue("missing")
        limits.check_timestamp(one.timestamp)
    names = ("key", "value", "timestamp", "step", "model_id", "dataset_name", "dataset_digest")
    metrics = [batch.BatchMetric(*(getattr(one, name) for name in names)) for one in message.metrics]
    return batch.Batch(
        message.run_id,
        [one[:4] for one in metrics],
        [one for one in metrics if one.model_id],
        [(one.key, one.value) for one in message.params],
        [(one.key, one.value) for one in message.tags],
    )


@pytest.mark.parametrize("content", BATCHES, ids=[json.dumps(content)[:60] for content in BATCHES])
def test_both_roads_of_log_batch_agree(content):
    try:
        expected = by_message(content)
    except InvalidValue:
        with pytest.raises(InvalidValue):
            batch.read(content)
    else:
        assert repr(batch.read(content)) == repr(expected)  # repr, because NaN equals nothing


METRICS = [
    *(one for content in BATCHES for one in content.get("metrics") or [] if isinstance(one, dict)),
    {**GOOD, "run_id": "r"},
    {**GOOD, "runId": "r", "run_uuid": "old"},
    {**GOOD, "runUuid": "old"},
    {**GOOD, "runUuid": 7},
    {**GOOD, "run_id": "r", "runId": "r"},
    {**GOOD, "model_id": "m", "modelId": "m"},
    {**GOOD, "modelId": "m", "datasetName": "d", "dataset_digest": "x"},
    {"key": "a", "timestamp": 1},
    {"key": "a", "value": 1},
    {"value": 1, "timestamp": 1},
    {},
]


def metric_by_message(content):
    message = wire.fill(service.LogMetric(), content)
    if not message.HasField("value") or not message.HasField("timestamp"):
        raise InvalidValue("missing")
    limits.check_timestamp(message.timestamp)
    names = ("key", "value", "timestamp", "step", "model_id", "dataset_name", "dataset_digest")
    return message.run_id or message.run_uuid, batch.BatchMetric(*(getattr(message, name) for name in names))


@pytest.mark.parametrize("content", METRICS, ids=[json.dumps(content)[:60] for content in METRICS])
def test_both_roads_of_log_metric_agree(content):
    try:
        expected = metric_by_message(content)
    except InvalidValue:
        with pytest.raises(InvalidValue):
            batch.read_metric(content)
    else:
        assert repr(batch.read_metric(content)) == repr(expected)


def test_json_is_read_as_clients_write_it():
    for text, meant in (
        ('{"a": NaN}', "{'a': nan}"),
        ('{"a": [Infinity, -Infinity, 1e400]}', "{'a': [inf, -inf, inf]}"),
        ('{"a": 18446744073709551615, "a": 5e-324}', "{'a': 5e-324}"),
        ('{"a": "\\ud83d\\ude00"}', "{'a': '😀'}"),
        ('{"a": [-9223372036854775808, -9223372036854775809]}', "{'a': [-9223372036854775808, -9223372036854775809]}"),
    ):
        assert repr(wire.parsed(text.encode())) == meant
    for body in (b"\xef\xbb\xbf{}", b'{"a": "\xed\xa0\x80"}', b"{", b"[1,]", '{"a": 1}'.encode("utf-16")):
        with pytest.raises(ValueError, match=r".+"):
            wire.parsed(body)
    with pytest.raises((ValueError, RecursionError)):
        wire.parsed(b"[" * 200_000)


def test_true_is_no_number_on_either_road():
    with pytest.raises(InvalidValue):
        batch.read({"metrics": [{**GOOD, "value": True}]})
    with pytest.raises(InvalidValue):
        wire.fill(service.LogMetric(), {"value": True})


def test_an_error_in_a_batch_names_the_place():
    with pytest.raises(InvalidValue) as caught:
        batch.read({"metrics": [GOOD, {**GOOD, "value": "many"}]})
    assert caught.value.field == "metrics[1].value"


# ---- Filters and tokens ---------------------------------------------------------------------------------------------

HOSTILE = [
    "a OR b",
    "metrics.m > 'x'",
    "params.x > '1'",
    "params.x = 1",
    "metrics.m > 1 AND",
    "name = ",
    "'; DROP TABLE runs",
    "tags.a = 'b'; tags.c = 'd'",
    "attributes.secret = 'x'",
    "attributes.status IN ('a')",
    "metrics.m LIKE 'x'",
    "(" * 5000,
    "tags.`a = 'b'",
    "tags.a = 'b" + "x" * 30_000,
    " AND ".join(["tags.a = 'b'"] * 500),
    "tags.a IS NULL OR 1=1",
    "metrics.m = 1e",
]


@pytest.mark.parametrize("text", HOSTILE, ids=[text[:30] for text in HOSTILE])
def test_a_filter_that_cannot_be_read_is_refused(text):
    with pytest.raises(InvalidValue):
        parse_filter(text, dialects.MLFLOW_RUNS)


UNORDERED = ["nothing", "metrics.a sideways", "metrics.a desc, metrics.b", "", "; DROP", "x" * 700]


@pytest.mark.parametrize("text", UNORDERED)
def test_an_order_that_cannot_be_read_is_refused(text):
    with pytest.raises(InvalidValue):
        parse_order([text], dialects.MLFLOW_RUNS)


def test_a_page_token_is_read_strictly():
    assert paging.page_offset(paging.page_token(20, "q"), "q") == 20
    tokens = ["junk", "e30=", "W10=", paging.page_token(-1), paging.page_token(10**19), paging.page_token(True), "é"]
    for token in tokens:
        with pytest.raises(InvalidValue):
            paging.page_offset(token)
    with pytest.raises(InvalidValue, match="another query"):
        paging.page_offset(paging.page_token(20, "q"), "other")
