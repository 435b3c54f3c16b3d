"""The database backend: kept connections, prepared statements, lookups and rows without the ORM's writing."""

import pytest
from django.db import connection, transaction

from experiments.models import Experiment, Run
from lib.postgres.insertion import Insertion
from lib.postgres.lookup import Lookup
from lib.postgres.prepared import Prepared
from workspaces.models import AuditEntry

SUM = Prepared("sum_of_two", "SELECT %(left)s + %(right)s", {"left": "int", "right": "int"})


@pytest.fixture
def run(workspace):
    experiment = Experiment.objects.create(workspace=workspace, name="rows", is_default=False)
    return Run.objects.create(workspace=workspace, experiment=experiment, name="a run", end_ms=7)


def columns(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def backend():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def asked_of_others(sql, *values):
    """Ask through a connection of its own."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchone()
    finally:
        other.close()


@pytest.mark.django_db(transaction=True)
def test_a_kept_connection_is_used_again_without_a_question():
    connection.ensure_connection()
    with connection.execute_wrapper(lambda *_given: pytest.fail("it asked the database")):
        assert connection.is_usable()


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_ended_is_replaced():
    ended = backend()
    asked_of_others("SELECT pg_terminate_backend(%s, 10000)", ended)
    assert not connection.is_usable()
    connection.close_if_unusable_or_obsolete()
    connection.health_check_enabled, connection.health_check_done = True, False
    assert backend() != ended


@pytest.mark.django_db(transaction=True)
def test_a_statement_is_prepared_once_on_each_connection():
    statements = []

    def note(execute, sql, values, many, context):
        statements.append(sql.split()[0])
        return execute(sql, values, many, context)

    with connection.execute_wrapper(note):
        for _time in range(2):
            for left in range(8):
                with connection.cursor() as cursor:
                    SUM.execute(cursor, {"left": left, "right": 1})
                    assert cursor.fetchone() == (left + 1,)
            connection.close()
    assert statements == [*["PREPARE"], *["EXECUTE"] * 8] * 2


@pytest.mark.django_db
def test_a_prepared_statement_outlives_what_is_rolled_back():
    with pytest.raises(ZeroDivisionError), transaction.atomic(), connection.cursor() as cursor:
        SUM.execute(cursor, {"left": 1, "right": 1})
        raise ZeroDivisionError
    with connection.cursor() as cursor:
        SUM.execute(cursor, {"left": 2, "right": 2})
        assert cursor.fetchone() == (4,)


@pytest.mark.django_db
def test_a_lookup_gives_what_the_orm_gives(run, workspace):
    found = Lookup(Run, "pk", "workspace_id")(run.pk, workspace.pk)
    assert columns(found) == columns(Run.objects.get(pk=run.pk))
    found.name = "another"
    found.save()  # a row like any other
    assert Run.objects.get(pk=run.pk).name == "another"
    assert Lookup(Run, "pk", "workspace_id")(run.pk, workspace.pk + 1) is None
    assert Lookup(Run, "pk", "workspace_id")("it's %s", workspace.pk) is None


@pytest.mark.django_db
def test_a_lookup_keeps_to_what_is_fixed(run, workspace):
    Experiment.objects.filter(workspace=workspace).update(is_default=False)
    default = Lookup(Experiment, "workspace_id", is_default=True)
    assert default(workspace.pk) is None
    Experiment.objects.filter(pk=run.experiment_id).update(is_default=True)
    assert default(workspace.pk) == run.experiment


@pytest.mark.django_db
def test_a_lookup_refuses_columns_that_are_converted():
    with pytest.raises(TypeError, match="details"):
        Lookup(AuditEntry, "pk")(1)


@pytest.mark.django_db
def test_an_inserted_row_is_as_if_saved():
    row = Insertion(AuditEntry)(AuditEntry(actor="a", action="b", details={"x": [1, "é", None]}))
    saved = AuditEntry.objects.get(pk=row.pk)
    assert columns(saved) == columns(row)
    assert saved.details == {"x": [1, "é", None]}
    row.action = "c"
    row.save(force_update=True)
    assert AuditEntry.objects.get(pk=row.pk).action == "c"
