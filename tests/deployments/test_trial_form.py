"""The Test tab's fields, made from a signature, and the request that they stand for."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from deployments import model_files, trial
from deployments.trial_form import SignatureForm, columns_of, params_of, rows_of
from experiments.artifacts import Column, ModelDescription

COLUMNS = (
    Column("age", "double"),
    Column("count", "long"),
    Column("is_new", "boolean"),
    Column("city", "string"),
    Column("seen", "datetime"),
    Column("extra", "float", required=False),
)
VALUES = [1.5, 2, False, " Tōkyō ", "2026-01-02T03:04:05", None]
SPLIT = {"dataframe_split": {"columns": [one.name for one in COLUMNS], "data": [VALUES, VALUES]}}


def posted(*rows: list[str]) -> dict[str, str]:
    return {f"value-{row}-{number}": text for row, values in enumerate(rows) for number, text in enumerate(values)}


TYPED = ["1.5", "2", "false", " Tōkyō ", "2026-01-02T03:04:05", ""]


def test_what_is_typed_is_sent_with_its_columns_types():
    form = SignatureForm(posted(TYPED), columns=COLUMNS, rows=[VALUES])
    assert form.is_valid(), form.errors
    assert json.loads(form.sent())["dataframe_split"]["data"] == [VALUES]


def test_an_untouched_form_sends_the_example():
    rows = rows_of(json.dumps(SPLIT), COLUMNS)
    assert rows == [VALUES, VALUES]
    form = SignatureForm(None, columns=COLUMNS, rows=rows)
    shown = {name: field.initial for name, field in form.fields.items()}
    sent = {name: "" if value is None else str(value) for name, value in shown.items()}
    again = SignatureForm(sent, columns=COLUMNS, rows=rows)
    assert again.is_valid(), again.errors
    assert json.loads(again.sent()) == SPLIT


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_records": [{"age": 1, "count": 2}]},
        {"input_data": {"columns": ["count", "age"], "data": [[2, 1]]}},
    ],
)
def test_examples_of_other_forms_are_read(body):
    assert rows_of(json.dumps(body), COLUMNS) == [[1, 2, None, None, None, None]]


@pytest.mark.parametrize("body", ["", "[1]", '{"inputs": [[0]]}', '{"dataframe_split": {"columns": 1, "data": 2}}'])
def test_without_a_known_example_there_is_one_empty_row(body):
    assert rows_of(body, COLUMNS) == [[None] * len(COLUMNS)]


def test_what_is_wrong_is_told_with_its_column():
    form = SignatureForm(posted(["x", "1.5", "maybe", "", "yesterday", ""]), columns=COLUMNS, rows=[VALUES])
    assert not form.is_valid()
    assert all(name in form.problem() for name in ("age", "count", "is_new", "seen"))
    assert "city" not in form.problem() and "extra" not in form.problem()


@pytest.mark.parametrize(
    "columns", [(Column("", "double"),), (Column("x", "float64 (-1, 10)"),), (Column("x", "Array(double)"),), ()]
)
def test_tensors_and_nested_columns_have_no_fields(columns):
    assert columns_of(ModelDescription(inputs=columns)) == ()


def test_the_page_sends_the_fields_and_still_takes_json(browse, alice_user, workspace, endpoint, monkeypatch):
    asked = []

    def send(_endpoint, body):
        asked.append(json.loads(body))
        return trial.Trial(200, "OK", "[1.5]", 3.2, 1.1, "abc")

    monkeypatch.setattr(trial, "send", send)
    monkeypatch.setattr(model_files, "describe", lambda _version: ModelDescription(inputs=COLUMNS))
    monkeypatch.setattr(model_files, "example_body", lambda _version: json.dumps(SPLIT))
    client = browse(alice_user)
    page = reverse("deployments:endpoint-test", args=[workspace.name, endpoint.name])
    text = client.get(page).content.decode()
    assert 'name="value-1-5"' in text and "<textarea" not in text
    assert "<textarea" in client.get(page, {"as": "json"}).content.decode()
    answer = client.post(page, posted(TYPED, TYPED), headers={"HX-Request": "true"}).content.decode()
    assert "[1.5]" in answer and "curl" in answer
    client.post(page, {"body": '{"data": [[1]]}'})
    assert asked == [SPLIT, {"data": [[1]]}]
    refused = client.post(page, posted(["x", *TYPED[1:]], TYPED), headers={"HX-Request": "true"}).content.decode()
    assert "age" in refused and len(asked) == 2


PARAMS = (
    Column("return_std", "boolean", default="False"),
    Column("limit", "long", default="3"),
    Column("word", "string", default=""),
    Column("weights", "double", default="[1.0, 2.0]"),
)


def test_parameters_have_fields_and_are_sent_unless_they_are_left_empty():
    params = params_of(ModelDescription(params=PARAMS))
    assert [one.name for one in params] == ["return_std", "limit", "word"]
    shown = SignatureForm(None, columns=COLUMNS, rows=[VALUES], params=params)
    assert [field.initial for _param, field in shown.parameters()] == ["false", "3", None]
    sent = {**posted(TYPED), "param-0": "true", "param-1": "", "param-2": "x"}
    form = SignatureForm(sent, columns=COLUMNS, rows=[VALUES], params=params)
    assert form.is_valid(), form.errors
    assert json.loads(form.sent())["params"] == {"return_std": True, "word": "x"}
    wrong = SignatureForm({**sent, "param-1": "many"}, columns=COLUMNS, rows=[VALUES], params=params)
    assert "limit" in wrong.problem()
