"""The frame around every page."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


def test_the_theme_and_the_folded_navigation_come_with_the_first_byte(browse, alice_user):
    browser = browse(alice_user)
    browser.cookies["studio_theme"] = "dark"
    browser.cookies["studio_nav"] = "folded"
    page = browser.get("/w/main/").content.decode()
    assert 'data-theme="dark"' in page
    assert 'data-nav="folded"' in page


def test_a_cookie_cannot_write_markup(browse, alice_user):
    browser = browse(alice_user)
    browser.cookies["studio_theme"] = '"><script>'
    assert "<script>" not in browser.get("/w/main/").content.decode()


def test_the_open_place_is_marked(browse, alice_user):
    page = browse(alice_user).get("/w/main/models/").content.decode()
    assert page.count('title="Models" aria-current="page"') == 1


def test_only_an_admin_sees_resource_groups(browse, alice_user, dora_user):
    assert "/groups/" not in browse(alice_user).get("/account/").content.decode()
    assert "/groups/" in browse(dora_user).get("/account/").content.decode()


def test_the_switcher_lists_what_one_may_enter(browse, alice_user, elsewhere):
    page = browse(alice_user).get("/workspaces/").content.decode()
    assert "/w/main/" in page
    assert "/w/elsewhere/" not in page


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_what_is_not_there_has_a_page(browse, alice_user, is_signed_in):
    response = browse(alice_user if is_signed_in else None).get("/nothing/here/")
    assert response.status_code in (302, 404)
    if response.status_code == 404:
        assert "Not found" in response.content.decode()


def test_the_fragment_of_a_client_link_survives_the_sign_in(browse, workspace):
    page = browse().get("/sign-in/?next=%2Fw%2Fmain%2F").content.decode()
    assert "hash-links.js" in page
    assert 'name="next" value="/w/main/"' in page


def test_a_token_is_shown_once(browse, alice_user):
    browser = browse(alice_user)
    shown = browser.post("/account/tokens/", {"name": "laptop"}).content.decode()
    assert "MLFLOW_TRACKING_TOKEN=studio_user_" in shown
    assert "studio_user_" not in browser.get("/account/").content.decode()


def test_a_group_is_deleted_only_by_its_name(browse, dora_user, workspace):
    browser = browse(dora_user)
    page = browser.get("/groups/rg/delete/").content.decode()
    assert 'data-name="rg"' in page
    assert browser.post("/groups/rg/delete/", {"confirm": "r"}).status_code == 422
