"""The form of the Test tab: a model's columns by their types, and the request body that it stands for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from experiments.artifacts import Column, ModelDescription

MOST_ROWS, MOST_COLUMNS, MOST_PARAMS = 5, 200, 20
WHOLE = ("integer", "long")
NUMBERS = ("double", "float")
YES, NO = "true", "false"
PLAIN = (*WHOLE, *NUMBERS, "boolean", "string", "datetime")


def columns_of(described: ModelDescription | None) -> tuple[Column, ...]:
    """Give the columns that a form can be made of; none for tensors, nested or nameless columns."""
    columns = described.inputs if described else ()
    if len(columns) > MOST_COLUMNS or not all(one.name and one.type in PLAIN for one in columns):
        return ()
    return columns


def params_of(described: ModelDescription | None) -> tuple[Column, ...]:
    """Give the parameters that fields can be made of: not lists, and not so many that they hide the columns."""
    params = described.params if described else ()
    return tuple(one for one in params if one.type in PLAIN and not one.default.startswith("["))[:MOST_PARAMS]


def rows_of(body: str, columns: Sequence[Column]) -> list[list[Any]]:
    """Read an example's first rows, in the columns' order; one empty row where it has none of a known form."""
    try:
        found = json.loads(body)
    except ValueError:
        found = {}
    names = [column.name for column in columns]
    rows = [[record.get(name) for name in names] for record in _records(found)]
    return rows[:MOST_ROWS] or [[None] * len(names)]


def _records(body: Any) -> list[dict[str, Any]]:
    if not isinstance(body, dict):
        return []
    split = body.get("dataframe_split", body.get("input_data"))
    if isinstance(split, dict) and isinstance(split.get("columns"), list) and isinstance(split.get("data"), list):
        return [dict(zip(split["columns"], row, strict=False)) for row in split["data"] if isinstance(row, list)]
    records = body.get("dataframe_records", [])
    return [record for record in records if isinstance(record, dict)] if isinstance(records, list) else []


class SignatureForm(forms.Form):
    """A field for each column of each row, `value-<row>-<column>`, and for each parameter, `param-<number>`.

    A parameter that is left empty is not sent: the model then takes its own default.
    """

    def __init__(
        self, data: Any, *, columns: Sequence[Column], rows: Sequence[Sequence[Any]], params: Sequence[Column] = ()
    ) -> None:
        super().__init__(data)
        self.columns, self.params = columns, params
        self.count = len(rows)
        for row, values in enumerate(rows):
            for number, (column, value) in enumerate(zip(columns, values, strict=True)):
                self.fields[f"value-{row}-{number}"] = _field(column, value, row)
        for number, param in enumerate(params):
            self.fields[f"param-{number}"] = _field(replace(param, required=False), _default(param))

    def table(self) -> list[tuple[Column, list[forms.BoundField]]]:
        """Give a line for each column: itself, and its fields in all rows."""
        return [
            (column, [self[f"value-{row}-{number}"] for row in range(self.count)])
            for number, column in enumerate(self.columns)
        ]

    def parameters(self) -> list[tuple[Column, forms.BoundField]]:
        return [(param, self[f"param-{number}"]) for number, param in enumerate(self.params)]

    def sent(self) -> str:
        """Write the rows as a request."""
        names = [column.name for column in self.columns]
        data = [
            [_plain(column, self.cleaned_data[f"value-{row}-{number}"]) for number, column in enumerate(self.columns)]
            for row in range(self.count)
        ]
        body: dict[str, Any] = {"dataframe_split": {"columns": names, "data": data}}
        given = {
            param.name: _plain(param, value)
            for number, param in enumerate(self.params)
            if (value := self.cleaned_data[f"param-{number}"]) not in ("", None)
        }
        return json.dumps({**body, **({"params": given} if given else {})}, ensure_ascii=False)

    def problem(self) -> str:
        """Say what is wrong, each with its column."""
        return " ".join(f"{self.fields[name].label}: {errors[0]}" for name, errors in self.errors.items())


def _plain(column: Column, value: Any) -> Any:
    """Give a field's value as JSON says it."""
    if column.type == "string":
        return value
    if value in ("", None):
        return None
    if column.type == "boolean":
        return value == YES
    return value.replace(tzinfo=None).isoformat() if column.type == "datetime" else value


def _default(param: Column) -> Any:
    """Read a parameter's default, which is text by now."""
    if not param.default or param.type == "boolean":
        return param.default.lower() == YES if param.default else None
    return param.default


def _field(column: Column, value: Any, row: int | None = None) -> forms.Field:
    label = f"{column.name}, {row + 1}" if row else column.name
    name = column.name if row is None else _("%s, row %d") % (column.name, row + 1)
    common: dict[str, Any] = {"label": label, "required": column.required, "initial": value}
    shown = {"class": "input input--small num", "aria-label": name}
    if column.type in WHOLE:
        return forms.IntegerField(**common, widget=forms.NumberInput(attrs={**shown, "step": "1"}))
    if column.type in NUMBERS:
        return forms.FloatField(**common, widget=forms.NumberInput(attrs={**shown, "step": "any"}))
    words = {**shown, "class": "input input--small"}
    if column.type == "boolean":
        choices = [*([] if column.required else [("", "")]), (YES, YES), (NO, NO)]
        common["initial"] = None if value is None else (YES if value else NO)
        return forms.ChoiceField(**common, choices=choices, widget=forms.Select(attrs=words, choices=choices))
    if column.type == "datetime":
        common["initial"] = str(value)[:19] if value else value
        return forms.DateTimeField(
            **common, widget=forms.DateTimeInput(attrs={**words, "type": "datetime-local", "step": "1"})
        )
    common["required"] = False
    return forms.CharField(**common, strip=False, widget=forms.TextInput(attrs={**words, "autocomplete": "off"}))
