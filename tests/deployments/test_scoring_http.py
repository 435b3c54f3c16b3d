"""Keys, verbs, sizes, ids, failures: what holds for every request."""

from __future__ import annotations

import json
import time

import pytest

from deployments.scoring import settings
from tests.deployments.scoring import KEY, OTHER_KEY, Raises, Sum, make_caller

BODY = {"instances": [[1, 2]]}


@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
def test_either_key_opens(tmp_path, key):
    assert make_caller(tmp_path)(body=BODY, key=key).status == 200


@pytest.mark.parametrize("key", [None, "", "wrong", KEY + "x", "ключ"])
def test_no_other_key_does(tmp_path, key):
    answer = make_caller(tmp_path, Raises())(body=BODY, key=key)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("header", ["", "Bearer", f"Basic {KEY}", KEY, f"Token {KEY}"])
def test_odd_authorization_headers_are_just_wrong(tmp_path, header):
    assert make_caller(tmp_path)(body=BODY, key=None, authorization=header).status == 401


def test_a_public_endpoint_asks_for_none(tmp_path):
    assert make_caller(tmp_path, auth="none")(body=BODY, key=None).status == 200


def test_a_key_made_anew_counts_within_a_second(tmp_path, monkeypatch):
    call = make_caller(tmp_path)
    now = [settings.time.monotonic()]
    monkeypatch.setattr(settings.time, "monotonic", lambda: now[0])
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "key_hashes": []}))
    now[0] += 0.9
    assert call(body=BODY).status == 401
    path.write_text("half a fi")
    now[0] += 0.9
    assert call(body=BODY).status == 401
    path.unlink()
    now[0] += 0.9
    assert call(body=BODY).status == 401


@pytest.mark.parametrize("path", ["/", "/health", "/ping"])
def test_health_is_open(tmp_path, path):
    assert make_caller(tmp_path)(path, method="GET", key=None).status == 200
    assert make_caller(tmp_path)(path, method="HEAD", key=None).body == b""


@pytest.mark.parametrize("path", ["/version", "/swagger.json"])
def test_what_describes_the_model_is_not(tmp_path, path):
    assert make_caller(tmp_path)(path, method="GET", key=None).status == 401
    assert make_caller(tmp_path)(path, method="GET").status == 200


def test_the_version_is_mlflows(tmp_path):
    assert make_caller(tmp_path)("/version", method="GET").body == b"3.17.2"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE"])
def test_other_verbs_get_405(tmp_path, method):
    answer = make_caller(tmp_path)(method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")


def test_options_get_200(tmp_path):
    assert make_caller(tmp_path)(method="OPTIONS", key=None).status == 200


@pytest.mark.parametrize("path", ["/scores", "/score/", "/api/v1/service/other/score", "/../score"])
def test_other_paths_get_404(tmp_path, path):
    assert make_caller(tmp_path)(path, BODY).status == 404


def test_the_address_that_named_the_service_again_works(tmp_path):
    assert make_caller(tmp_path)("/api/v1/service/sums/score", BODY).status == 200
    assert make_caller(tmp_path)("/api/v1/service/sums/swagger.json", method="GET").status == 200


def test_a_large_body_gets_413(tmp_path):
    assert make_caller(tmp_path, max_body_bytes=5)(body=BODY).status == 413


def test_a_request_keeps_its_id(tmp_path):
    call = make_caller(tmp_path)
    assert call(body=BODY, x_ms_client_request_id="mine-1").headers["x-ms-request-id"] == "mine-1"
    assert len(call(body=BODY).headers["x-ms-request-id"]) == 32
    assert "\n" not in call(body=BODY, x_ms_client_request_id="a\r\nb: c").headers["x-ms-request-id"]
    assert call(body=BODY, x_ms_client_request_id="x" * 101).status == 431


def test_an_answer_says_how_long_the_model_took(tmp_path):
    assert float(make_caller(tmp_path)(body=BODY).headers["x-ms-run-fn-exec-ms"]) >= 0


def test_a_model_that_raises_gets_500_and_its_stack_goes_to_the_log(tmp_path, capsys):
    answer = make_caller(tmp_path, Raises())(body=BODY)
    assert (answer.status, answer.headers["x-ms-run-function-failed"]) == (500, "True")
    assert "KeyError" in answer.json["message"]
    assert "Traceback" not in answer.body.decode()
    assert "Traceback" in capsys.readouterr().err


def sent(seconds_ago: float) -> dict[str, str]:
    """Give the header in which the gateway says when it sent a request."""
    return {"x_request_start": f"{time.time() - seconds_ago:.3f}"}


def test_a_request_that_stood_longer_than_the_model_may_take_gets_504(tmp_path):
    model = Sum()
    call = make_caller(tmp_path, model, timeout_ms=2000)
    assert call(body=BODY, **sent(0.0)).status == 200
    del model.got
    assert call(body=BODY, **sent(5.0)).status == 504
    assert not hasattr(model, "got")


def test_a_request_that_queued_too_long_gets_503_and_when_to_come_back(tmp_path):
    answer = make_caller(tmp_path, max_wait_ms=500)(body=BODY, **sent(5.0))
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize("when", ["yesterday", "", "-1e400", "nan"])
def test_a_clock_that_makes_no_sense_is_not_believed(tmp_path, when):
    assert make_caller(tmp_path)(body=BODY, x_request_start=when).status in (200, 504)


@pytest.mark.parametrize("version", ["2", "3", "2.0"])
def test_swagger_describes_the_columns(tmp_path, version):
    document = make_caller(tmp_path)(f"/swagger.json?version={version}", method="GET", x_forwarded_prefix="/e").json
    assert set(document["paths"]) == {"/", "/score"}
    schemas = document["definitions"] if version[0] == "2" else document["components"]["schemas"]
    record = schemas["ServiceInput"]["properties"]["dataframe_records"]["items"]
    assert record["required"] == ["a", "b"]


def test_another_swagger_version_gets_404(tmp_path):
    assert make_caller(tmp_path)("/swagger.json?version=1", method="GET").status == 404
