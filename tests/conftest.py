"""The cast: alice owns the workspace, bob reads it, charlie is a stranger, dora is the studio's admin."""

from __future__ import annotations

import gc
import os

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connections
from django.test import Client, override_settings

from tests.database import MIGRATED
from workspaces import operations
from workspaces.access import Actor
from workspaces.authentication import actor_of_user
from workspaces.models import Membership, ResourceGroup, Role, Token, User, Workspace

# The same examples every time: a test that fails now and then tells nobody what broke it. New ones are looked for with
# `pytest --hypothesis-profile=search`.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile("same")


def pytest_make_parametrize_id(val):
    """Shorten the names of tests whose parameter is a text without end: they go from process to process."""
    return f"{val[:30]}… {len(val)} characters" if isinstance(val, str) and len(val) > 200 else None


def pytest_collection_finish():
    """Keep what is loaded by now out of every later search for garbage: it stays to the end, and is much."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """Make the database of these tests as a copy of the migrated one, where the server is the tests' own."""
    if "STUDIO_TESTS_OWN_DATABASE" in os.environ:
        connections["default"].settings_dict["TEST"]["TEMPLATE"] = MIGRATED


@pytest.fixture(scope="session", autouse=True)
def no_broker():
    """Unit tests need no Valkey: the cache is in memory, and messages go nowhere (tasks are called as functions)."""
    from studio.celery import app

    given = override_settings(
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        STORAGES={
            **settings.STORAGES,
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        CREDENTIALS_SECONDS=0,  # users come and go within a test
    )
    with given, pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "send_task", lambda *args, **keywords: None)
        patch.setattr("celery.app.task.Task.apply_async", lambda self, *args, **keywords: None)
        yield


@pytest.fixture(autouse=True)
def nothing_cached(no_broker):
    cache.clear()


@pytest.fixture
def remembered(settings):
    """Take a token as it was first seen, for tests that send many requests and change nobody's rights on the way."""
    settings.CREDENTIALS_SECONDS = 3600


@pytest.fixture
def group(db) -> ResourceGroup:
    return operations.create_group(Actor.system(), name="rg", subscription_id="0" * 8)


@pytest.fixture
def workspace(group) -> Workspace:
    return operations.create_workspace(Actor.system(), group, name="main")


@pytest.fixture
def elsewhere(group) -> Workspace:
    return operations.create_workspace(Actor.system(), group, name="elsewhere")


def person(name: str, **fields: object) -> User:
    return User.objects.create_user(username=name, password="a long password", **fields)


@pytest.fixture
def alice_user(workspace) -> User:
    user = person("alice", default_workspace=workspace)
    Membership.objects.create(user=user, workspace=workspace, role=Role.OWNER)
    return user


@pytest.fixture
def bob_user(workspace) -> User:
    user = person("bob")
    Membership.objects.create(user=user, workspace=workspace, role=Role.READER)
    return user


@pytest.fixture
def charlie_user(elsewhere) -> User:
    user = person("charlie")
    Membership.objects.create(user=user, workspace=elsewhere, role=Role.OWNER)
    return user


@pytest.fixture
def dora_user(db) -> User:
    return person("dora", is_superuser=True)


@pytest.fixture
def alice(alice_user) -> Actor:
    return actor_of_user(alice_user)


@pytest.fixture
def bob(bob_user) -> Actor:
    return actor_of_user(bob_user)


@pytest.fixture
def charlie(charlie_user) -> Actor:
    return actor_of_user(charlie_user)


@pytest.fixture
def dora(dora_user) -> Actor:
    return actor_of_user(dora_user)


@pytest.fixture
def browse():
    """Give a browser signed in as a user: `browse(alice_user).get(...)`."""

    def signed_in(user: User | None = None) -> Client:
        client = Client(headers={"Accept": "text/html"})
        if user is not None:
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return signed_in


@pytest.fixture
def bearer():
    """Give a program's client with a token of a user: `bearer(alice_user).post(...)`."""

    def with_token(user: User) -> Client:
        _token, secret = operations.make_token(kind=Token.Kind.USER, name="test", user=user)
        return Client(headers={"Authorization": f"Bearer {secret}", "Accept": "application/json"})

    return with_token
