"""Under /w/<workspace>/api/v1/."""

from django.urls import path

from workspaces.webhooks import api

app_name = "webhooks-api"

urlpatterns = [
    path("webhooks", api.webhooks, name="webhooks"),
    path("webhooks/<str:webhook_id>", api.webhook, name="webhook"),
    path("webhooks/<str:webhook_id>/test", api.webhook_test, name="webhook-test"),
    path("webhooks/<str:webhook_id>/deliveries", api.webhook_deliveries, name="webhook-deliveries"),
]
