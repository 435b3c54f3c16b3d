"""Logins from a terminal, as `studio login` makes them: /api/v1/logins. All open, for who calls has no token yet."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from workspaces import access
from workspaces.logins import operations, pending

POLL_S = 2
NO_STORE = {"Cache-Control": "no-store"}


class LoginIn(serializers.Serializer[Any]):
    client_name = serializers.CharField(max_length=200)


class LoginOut(serializers.Serializer[Any]):
    device_code = serializers.CharField()
    user_code = serializers.CharField()
    verification_path = serializers.CharField()
    expires_s = serializers.IntegerField()
    interval_s = serializers.IntegerField()


class DeviceCodeIn(serializers.Serializer[Any]):
    device_code = serializers.CharField(max_length=200)


class RefreshIn(serializers.Serializer[Any]):
    refresh_token = serializers.CharField(max_length=200)


class AccessOut(serializers.Serializer[Any]):
    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    expires_s = serializers.IntegerField()


def parsed(request: Request, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


@extend_schema(request=LoginIn, responses={201: LoginOut}, auth=[])
@api_view(["POST"])
def logins(request: Request) -> Response:
    """Begin a login; a person confirms `user_code` at `verification_path`."""
    started = operations.start_login(**parsed(request, LoginIn))
    answer = {
        "device_code": started.device_code,
        "user_code": started.user_code,
        "verification_path": f"{reverse('workspaces:login-confirm')}?code={started.user_code}",
        "expires_s": pending.LIFETIME_S,
        "interval_s": POLL_S,
    }
    return Response(answer, status=201, headers=NO_STORE)


@extend_schema(request=DeviceCodeIn, responses={200: AccessOut, 202: None}, auth=[])
@api_view(["POST"])
def login_tokens(request: Request) -> Response:
    """Take the tokens of a confirmed login, once; 202 while nobody has decided."""
    given = operations.finish_login(**parsed(request, DeviceCodeIn))
    if given is None:
        return Response(status=202, headers=NO_STORE)
    return Response(AccessOut(given).data, headers=NO_STORE)


@extend_schema(request=RefreshIn, responses=AccessOut, auth=[])
@api_view(["POST"])
def access_tokens(request: Request) -> Response:
    """Make the next short-lived token of a login."""
    return Response(AccessOut(operations.refresh_access(**parsed(request, RefreshIn))).data, headers=NO_STORE)


logins = access.open_route(logins)
login_tokens = access.open_route(login_tokens)
access_tokens = access.open_route(access_tokens)
