"""Every change to environments, clusters and nodes."""

from compute.operations.clusters import (
    create_cluster,
    create_inference_cluster,
    create_join_token,
    delete_cluster,
    drain_node,
    join_command,
    remove_node,
    update_cluster,
)
from compute.operations.environments import build_next_step, request_environment
from compute.operations.naming import build_environment_version, register_environment, set_strict
from compute.operations.nodes import (
    NodeReport,
    admit_hosted,
    cluster_of,
    dismiss_hosted,
    heartbeat,
    hosted_nodes,
    leave,
    local_cluster,
    note_work,
    require_node,
)
from compute.operations.scaling import Scaled, scale

__all__ = [
    "NodeReport",
    "Scaled",
    "admit_hosted",
    "build_environment_version",
    "build_next_step",
    "cluster_of",
    "create_cluster",
    "create_inference_cluster",
    "create_join_token",
    "delete_cluster",
    "dismiss_hosted",
    "drain_node",
    "heartbeat",
    "hosted_nodes",
    "join_command",
    "leave",
    "local_cluster",
    "note_work",
    "register_environment",
    "remove_node",
    "request_environment",
    "require_node",
    "scale",
    "set_strict",
    "update_cluster",
]
