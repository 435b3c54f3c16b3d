"""Rows by equal values, for lookups that every request makes."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.expressions import RawSQL

Row = TypeVar("Row", bound=models.Model)


class Lookup(Generic[Row]):
    """One row by the fields named, as `Model.objects.filter(…).first()` gives it; `fixed` are values never asked for.

    The ORM writes the SQL, once: to write it anew each time costs ten times what the answer does. For models whose
    columns are taken from the database as they are (no JSON, no durations).
    """

    def __init__(self, model: type[Row], *names: str, **fixed: Any) -> None:
        self.model, self.names, self.fixed = model, names, fixed

    def __call__(self, *values: Any) -> Row | None:
        columns = self.columns
        with connection.cursor() as cursor:
            cursor.execute(self.sql, values)
            row = cursor.fetchone()
        return None if row is None else self.model.from_db(DEFAULT_DB_ALIAS, columns, row)

    @cached_property
    def columns(self) -> list[str]:
        """Name the columns in the order of the query's. Raises TypeError for one that the ORM would convert."""
        fields = self.model._meta.concrete_fields
        for column in (field.get_col(self.model._meta.db_table) for field in fields):
            if column.get_db_converters(connection) or connection.ops.get_db_converters(column):
                raise TypeError(f"{column} is converted when it is read")
        return [field.attname for field in fields]

    @cached_property
    def sql(self) -> str:
        rows = self.model._default_manager.filter(**self.fixed).order_by()
        for name in self.names:
            rows = rows.filter(**{name: RawSQL("%s", [None])})
        text, values = rows.query.sql_with_params()
        assert len(values) == len(self.names), "a fixed value is a parameter of its own"
        return f"{text} LIMIT 1"
