"""Broker credentials for machines that join: one user a cluster, who reaches that cluster's queue and nothing else."""

from __future__ import annotations

import hashlib
import hmac
import logging
from urllib.parse import quote, urlsplit, urlunsplit

import redis
from django.conf import settings
from django.core.cache import cache

from compute.models import ComputeTarget

logger = logging.getLogger(__name__)

# The broker keeps such users in memory: after it was started anew they are made again.
EVERY_S = 30
# Of the commands that can hurt others only INFO, by which Celery's client learns the server's version.
MAY = ("+@all", "-@admin", "-@dangerous", "+info")


def credentials(target: ComputeTarget) -> str:
    """Give an address of the broker for the cluster's nodes; empty where the broker makes no users for us."""
    password = hmac.new(settings.SECRET_KEY.encode(), target.queue.encode(), hashlib.sha256).hexdigest()
    key = f"broker-user:{target.queue}"
    try:
        if cache.get(key) is None:
            make_user(target.queue, password)
            cache.set(key, 1, EVERY_S)
    except redis.RedisError as error:
        logger.warning("no broker user queue=%s: %s", target.queue, error)
        return ""
    parts = urlsplit(settings.CELERY_BROKER_URL)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(target.queue)}:{password}@{place}"))


def make_user(queue: str, password: str) -> None:
    """Make or renew the user. Of kombu's keys it has the queue, its priorities, and what it holds unacknowledged."""
    keys = [f"~{key}" for key in (queue, f"{queue}.*", f"{queue}\x06\x16*", f"_kombu.*.{queue}")]
    with redis.Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=3, socket_connect_timeout=3) as client:
        client.execute_command(*("ACL", "SETUSER", queue, "reset", "on", f">{password}", "resetchannels", *keys, *MAY))
