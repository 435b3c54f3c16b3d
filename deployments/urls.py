"""Pages, below /w/<workspace>/."""

from django.urls import path

from deployments.views import deploy, endpoints, manage, metrics, use

app_name = "deployments"

ONE = "endpoints/<str:name>/"

urlpatterns = [
    path("endpoints/", endpoints.endpoint_list, name="endpoint-list"),
    path("deploy/", deploy.create, name="create"),
    path("deploy/run/<str:run_id>/", deploy.create_from_run, name="create-from-run"),
    path("models/<str:model>/versions/<int:version>/endpoints/", endpoints.for_model_version, name="for-model-version"),
    path("compute/<str:cluster>/endpoints/", endpoints.for_cluster, name="for-cluster"),
    path("endpoints-quota/", endpoints.quota_use, name="quota-use"),
    path("endpoints-of-home/", endpoints.for_home, name="for-home"),
    path(ONE, endpoints.endpoint_detail, name="endpoint-detail"),
    path(f"{ONE}test/", use.endpoint_test, name="endpoint-test"),
    path(f"{ONE}consume/", use.endpoint_consume, name="endpoint-consume"),
    path(f"{ONE}keys/", use.endpoint_keys, name="endpoint-keys"),
    path(f"{ONE}keys/<str:which>/regenerate/", use.endpoint_regenerate, name="endpoint-regenerate"),
    path(f"{ONE}auth/", use.endpoint_auth, name="endpoint-auth"),
    path(f"{ONE}logs/", use.endpoint_logs, name="endpoint-logs"),
    path(f"{ONE}revisions/<int:revision>/replicas/<int:replica>/log/", use.replica_log, name="replica-log"),
    path(f"{ONE}revisions/<int:revision>/build/log/", use.revision_build_log, name="revision-build-log"),
    path(f"{ONE}revisions/<int:revision>/roll-back/", endpoints.endpoint_roll_back, name="endpoint-roll-back"),
    path(f"{ONE}revisions/<int:revision>/cancel/", endpoints.endpoint_cancel, name="endpoint-cancel"),
    path(f"{ONE}deployments/", manage.endpoint_deployments, name="endpoint-deployments"),
    path(f"{ONE}deployments/traffic/", manage.endpoint_traffic, name="endpoint-traffic"),
    path(f"{ONE}deployments/scale/", manage.endpoint_scale, name="endpoint-scale"),
    path(f"{ONE}metrics/", metrics.endpoint_metrics, name="endpoint-metrics"),
    path(f"{ONE}metrics/<str:chart>/", metrics.endpoint_chart, name="endpoint-chart"),
    path(
        f"{ONE}revisions/<int:revision>/replicas/<int:replica>/log/text/", use.replica_log_text, name="replica-log-text"
    ),
    path(f"{ONE}token/", use.endpoint_token, name="endpoint-token"),
    path("deploy/check/", deploy.check, name="check"),
    path(f"{ONE}stop/", endpoints.endpoint_stop, name="endpoint-stop"),
    path(f"{ONE}start/", endpoints.endpoint_start, name="endpoint-start"),
    path(f"{ONE}delete/", endpoints.endpoint_delete, name="endpoint-delete"),
]
