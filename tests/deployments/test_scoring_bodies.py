"""Every accepted form of a body, and what is said of the others."""

from __future__ import annotations

import pytest

from tests.deployments.scoring import Sum, column, described, make_caller

FORMS = [
    {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}},
    {"dataframe_split": {"columns": ["b", "a"], "index": [0, 1], "data": [[2, 1], [4, 3]]}},
    {"dataframe_split": {"data": [[1, 2], [3, 4]]}},
    {"dataframe_records": [{"a": 1, "b": 2}, {"b": 4, "a": 3, "more": 9}]},
    {"instances": [[1, 2], [3, 4]]},
    {"instances": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]},
    {"inputs": [[1, 2], [3, 4]]},
    {"inputs": {"a": [1, 3], "b": [2, 4]}},
    {"input_data": [[1, 2], [3, 4]]},
    {"input_data": {"columns": ["a", "b"], "index": [0, 1], "data": [[1, 2], [3, 4]]}},
    {"input_data": {"a": [1, 3], "b": [2, 4]}},
    {"columns": ["a", "b"], "index": [0, 1], "data": [[1, 2], [3, 4]]},
]


@pytest.mark.parametrize("body", FORMS)
def test_each_form_is_read(tmp_path, body):
    call = make_caller(tmp_path)
    assert call(body=body).json == [3.0, 7.0]
    assert call("/invocations", body).json == {"predictions": [3.0, 7.0]}


def test_the_no_code_form_answers_under_its_method(tmp_path):
    call = make_caller(tmp_path, signed=None)
    assert call(body={"data": [[1, 2], [3, 4]]}).json == {"predict": [3, 7]}
    assert call(body={"data": [[1, 2]], "method": "predict"}).json == {"predict": [3]}
    assert call(body={"data": [[1, 2]], "method": "fit"}).status == 400
    assert call(body={"data": [[1, 2]], "method": "transform"}).status == 400


def test_csv_is_read_and_written(tmp_path):
    call = make_caller(tmp_path)
    answer = call(body=b"a,b\n1,2\n3,4\n", content_type="text/csv", accept="text/csv")
    assert (answer.body, answer.headers["content-type"]) == (b"3.0\n7.0\n", "text/csv; charset=utf-8")


@pytest.mark.parametrize("kind", ["", "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_taken_however_it_is_announced(tmp_path, kind):
    assert make_caller(tmp_path)(body=FORMS[0], content_type=kind).status == 200


@pytest.mark.parametrize(
    "kind", ["application/octet-stream", "application/x-pickle", "text/plain", "application/python-pickle"]
)
def test_no_other_type_is_ever_parsed(tmp_path, kind):
    answer = make_caller(tmp_path)(body=b"cos\nsystem\n(S'false'\ntR.", content_type=kind)
    assert (answer.status, answer.json["error_code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_compressed_body_is_refused(tmp_path):
    assert make_caller(tmp_path)(body=b"x", content_encoding="gzip").status == 415


NONSENSE = [
    b"", b"{", b"null", b"7", b'"x"', b"[]", b"{}", b'{"data"', b"\xff\xfe{}", b"[" * 100_000,
    b'{"instances": [[NaN, 1]]}', b'{"instances": 3}', b'{"inputs": {"a": 1}}', b'{"inputs": {"a": [1], "b": [1, 2]}}',
    b'{"dataframe_split": []}', b'{"dataframe_split": {"columns": 3, "data": []}}', b'{"dataframe_records": [1]}',
    b'{"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}', b'{"instances": [[1, 2], [3]]}',
    b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1]]}}', b'{"instances": [[1,2]], "inputs": [[1,2]]}',
    b'{"instances": [["x", {}]]}', b'{"instances": [[1, 2]], "params": 3}',
    b'{"instances": [[1, 2]], "params": {"t": 1}}',
]  # fmt: skip


@pytest.mark.parametrize("body", NONSENSE)
def test_nonsense_gets_400_and_a_sentence(tmp_path, body):
    answer = make_caller(tmp_path)(body=body)
    assert (answer.status, answer.json["error_code"]) == (400, "BAD_REQUEST")
    assert len(answer.json["message"]) > 10


def refusal(tmp_path, signed, body):
    answer = make_caller(tmp_path, signed=signed)(body=body)
    assert answer.status == 400
    return answer.json["message"]


def test_errors_name_the_column(tmp_path):
    missing = refusal(tmp_path, None or described(column("a"), column("b")), {"dataframe_records": [{"a": 1}]})
    assert "needs column 'b'" in missing
    wrong = refusal(
        tmp_path, described(column("a"), column("b")), {"dataframe_records": [{"a": 1, "b": 2}, {"a": "x", "b": 1}]}
    )
    assert "Column 'a', row 1: 'x' is not a number" in wrong
    whole = refusal(tmp_path, described(column("n", "long")), {"dataframe_records": [{"n": 1.5}]})
    assert "Column 'n', row 0: 1.5 is not a whole number" in whole
    flag = refusal(tmp_path, described(column("f", "boolean")), {"dataframe_records": [{"f": 1}]})
    assert "Column 'f'" in flag
    width = refusal(tmp_path, described(column("a"), column("b")), {"instances": [[1, 2, 3]]})
    assert "needs 2 columns (a, b), but row 0 has 3 values" in width


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, None, "1"])
def test_an_integer_column_takes_32_bits(tmp_path, value):
    assert "Column 'n'" in refusal(tmp_path, described(column("n", "integer")), {"inputs": {"n": [value]}})


def test_a_missing_number_becomes_nan_and_is_answered_as_null(tmp_path):
    assert make_caller(tmp_path)(body={"instances": [[None, 1]]}).json == [None]


def test_types_reach_the_model(tmp_path):
    fields = [
        column("f", "float"),
        column("n", "long"),
        column("s", "string"),
        column("t", "datetime"),
        column("b", "binary"),
    ]
    model = Seen()
    call = make_caller(tmp_path, model, signed=described(*fields))
    answer = call(body={"inputs": {"f": [1], "n": [2], "s": ["x"], "t": ["2026-01-02T03:04:05Z"], "b": ["aGk="]}})
    assert answer.status == 200, answer.json
    assert [str(kind) for kind in model.got.dtypes[:2]] == ["float32", "int64"]
    assert (model.got["s"][0], model.got["b"][0], str(model.got["t"][0])) == ("x", b"hi", "2026-01-02 03:04:05")


class Seen(Sum):
    def predict(self, table):
        self.got = table
        return [0] * len(table)


def test_an_optional_column_may_be_left_out(tmp_path):
    model = Seen()
    call = make_caller(tmp_path, model, signed=described(column("a"), column("b", required=False)))
    assert call(body={"dataframe_records": [{"a": 1}]}).status == 200
    assert list(model.got.columns) == ["a"]


def test_tensors_keep_their_shape(tmp_path):
    signed = described({"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}})
    model = Seen()
    call = make_caller(tmp_path, model, signed=signed)
    assert call(body={"inputs": [[1, 2], [3, 4]]}).status == 200
    assert (model.got.shape, str(model.got.dtype)) == ((2, 2), "float32")
    assert "shape [-1, 2], not [1, 3]" in call(body={"instances": [[1, 2, 3]]}).json["message"]
    assert "even tensor of float32" in call(body={"instances": [["x", 1]]}).json["message"]


def test_params_are_checked_and_passed(tmp_path):
    class Scaled(Sum):
        def predict(self, table, times=1):
            return table.sum(axis=1) * times

    signed = described(column("a"), params=[{"name": "times", "type": "long", "default": 1, "shape": None}])
    call = make_caller(tmp_path, Scaled(), signed=signed)
    assert call(body={"inputs": {"a": [2]}, "params": {"times": 3}}).json == [6.0]
    assert call(body={"inputs": {"a": [2]}}).json == [2.0]
    assert "'times' must be of type long" in call(body={"inputs": {"a": [2]}, "params": {"times": "3"}}).json["message"]
    assert "'other'" in call(body={"inputs": {"a": [2]}, "params": {"other": 1}}).json["message"]
