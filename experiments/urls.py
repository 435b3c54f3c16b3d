"""Addresses of experiments and runs, below a workspace."""

from django.urls import path

from experiments.views import artifacts, experiments, runs, saved, selected, table, trash

app_name = "experiments"

urlpatterns = [
    path("experiments/", experiments.experiment_list, name="experiment-list"),
    path("experiments/create/", experiments.experiment_create, name="experiment-create"),
    path("experiments/<int:experiment_id>/", experiments.experiment_detail, name="experiment-detail"),
    path("experiments/<int:experiment_id>/rename/", experiments.experiment_rename, name="experiment-rename"),
    path("experiments/<int:experiment_id>/delete/", experiments.experiment_delete, name="experiment-delete"),
    path("experiments/<int:experiment_id>/restore/", experiments.experiment_restore, name="experiment-restore"),
    path("runs/", table.run_list, name="run-list"),
    path("runs/columns/", table.run_columns, name="run-columns"),
    path("runs/csv/", table.run_csv, name="run-csv"),
    path("runs/charts/", selected.run_charts, name="run-charts"),
    path("runs/points/", selected.run_points, name="run-points"),
    path("runs/compare/", selected.run_compare, name="run-compare"),
    path("runs/delete/", selected.runs_delete, name="runs-delete"),
    path("runs/tag/", selected.runs_tag, name="runs-tag"),
    path("runs/restore/", selected.runs_restore, name="runs-restore"),
    path("trash/", trash.trash_list, name="trash"),
    path("views/save/", saved.view_save, name="view-save"),
    path("views/<int:view_id>/", saved.view, name="view"),
    path("views/<int:view_id>/delete/", saved.view_delete, name="view-delete"),
    path("runs/<str:run_id>/", runs.run_detail, name="run-detail"),
    path("runs/<str:run_id>/state/", runs.run_state, name="run-state"),
    path("runs/<str:run_id>/values/", runs.run_values, name="run-values"),
    path("runs/<str:run_id>/charts/", runs.run_charts_tab, name="run-charts-tab"),
    path("runs/<str:run_id>/plots/", runs.run_plots, name="run-plots"),
    path("runs/<str:run_id>/artifacts/", artifacts.run_artifacts, name="run-artifacts"),
    path("runs/<str:run_id>/artifact/", artifacts.run_artifact, name="run-artifact"),
    path("runs/<str:run_id>/job/", runs.run_job, name="run-job"),
    path("runs/<str:run_id>/code/", runs.run_code, name="run-code"),
    path("runs/<str:run_id>/rename/", runs.run_rename, name="run-rename"),
    path("runs/<str:run_id>/note/", runs.run_note, name="run-note"),
    path("runs/<str:run_id>/delete/", runs.run_delete, name="run-delete"),
    path("runs/<str:run_id>/restore/", runs.run_restore, name="run-restore"),
    path("logged-models/<str:model_id>/", runs.logged_model, name="logged-model"),
]
