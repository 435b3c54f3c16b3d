"""Every change to environments, clusters and nodes."""

from compute.operations.environments import build_next_step, request_environment
from compute.operations.nodes import NodeReport, cluster_of, heartbeat, local_cluster, require_node

__all__ = [
    "NodeReport",
    "build_next_step",
    "cluster_of",
    "heartbeat",
    "local_cluster",
    "request_environment",
    "require_node",
]
