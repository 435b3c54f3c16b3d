"""Suggestions for programs: what the filter box asks while one types."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from experiments.search.suggestions import suggest
from lib.search.bounds import limited
from workspaces import access


class PrefixIn(serializers.Serializer[Any]):
    """The text before the caret, and the experiments that are searched (all of the workspace's, if none is named)."""

    prefix = serializers.CharField(default="", allow_blank=True, trim_whitespace=False)
    experiment = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=2**63 - 1), default=list, max_length=1000
    )


class SuggestionOut(serializers.Serializer[Any]):
    text = serializers.CharField()
    kind = serializers.CharField()
    start = serializers.IntegerField()


@extend_schema(parameters=[PrefixIn], responses=SuggestionOut(many=True))
@api_view(["GET"])
def suggestions(request: Request) -> Response:
    """Say how a filter over runs could go on from the text before the caret."""
    given = PrefixIn(data=request.query_params)
    given.is_valid(raise_exception=True)
    where = request._request
    with limited(5):
        found = suggest(
            where.actor,  # type: ignore[attr-defined]
            where.workspace,  # type: ignore[attr-defined]
            given.validated_data["experiment"],
            given.validated_data["prefix"],
        )
    return Response(SuggestionOut(found, many=True).data)


suggestions = access.needs("experiments.read")(suggestions)
