"""What a service was asked to be is on its page."""

from __future__ import annotations

import pytest
from django.urls import reverse

from deployments.models import Endpoint

pytestmark = pytest.mark.django_db


def test_location_description_and_tags_are_shown(browse, alice_user, workspace, endpoint):
    Endpoint.objects.update(location="eastus2", description="Diabetes model", tags={"method": "sklearn"})
    page = browse(alice_user).get(reverse("deployments:endpoint-detail", args=[workspace.name, endpoint.name]))
    text = page.content.decode()
    for words in ("eastus2", "Diabetes model", "method=sklearn"):
        assert words in text
