"""Addresses of experiments and runs, below a workspace."""

from django.urls import path

from experiments.views import artifacts, experiments, many, run_tabs, runs, saved, selected, table, trash

app_name = "experiments"

urlpatterns = [
    path("experiments/", experiments.experiment_list, name="experiment-list"),
    path("experiments/create/", experiments.experiment_create, name="experiment-create"),
    path("experiments/<int:experiment_id>/", experiments.experiment_detail, name="experiment-detail"),
    path("experiments/<int:experiment_id>/rename/", experiments.experiment_rename, name="experiment-rename"),
    path("experiments/<int:experiment_id>/describe/", experiments.experiment_describe, name="experiment-describe"),
    path("experiments/<int:experiment_id>/archive/", experiments.experiment_archive, name="experiment-archive"),
    path("experiments/<int:experiment_id>/unarchive/", experiments.experiment_unarchive, name="experiment-unarchive"),
    path("experiments/<int:experiment_id>/delete/", experiments.experiment_delete, name="experiment-delete"),
    path("experiments/<int:experiment_id>/restore/", experiments.experiment_restore, name="experiment-restore"),
    path("runs/", table.run_list, name="run-list"),
    path("runs/columns/", table.run_columns, name="run-columns"),
    path("runs/csv/", table.run_csv, name="run-csv"),
    path("runs/charts/", selected.run_charts, name="run-charts"),
    path("runs/points/", selected.run_points, name="run-points"),
    path("runs/compare/", selected.run_compare, name="run-compare"),
    path("runs/delete/", many.runs_delete, name="runs-delete"),
    path("runs/restore/", many.runs_restore, name="runs-restore"),
    path("runs/archive/", many.runs_archive, name="runs-archive"),
    path("runs/unarchive/", many.runs_unarchive, name="runs-unarchive"),
    path("runs/tag/", many.runs_tag, name="runs-tag"),
    path("runs/targets/", many.runs_targets, name="runs-targets"),
    path("runs/move/", many.runs_move, name="runs-move"),
    path("runs/undo/", many.runs_undo, name="runs-undo"),
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
    path("runs/<str:run_id>/children/", run_tabs.run_children, name="run-children"),
    path("runs/<str:run_id>/models/", run_tabs.run_models, name="run-models"),
    path("runs/<str:run_id>/tag/", run_tabs.run_tag, name="run-tag"),
    path("runs/<str:run_id>/rename/", runs.run_rename, name="run-rename"),
    path("runs/<str:run_id>/note/", runs.run_note, name="run-note"),
    path("runs/<str:run_id>/delete/", runs.run_delete, name="run-delete"),
    path("runs/<str:run_id>/restore/", runs.run_restore, name="run-restore"),
    path("logged-models/<str:model_id>/", runs.logged_model, name="logged-model"),
]
