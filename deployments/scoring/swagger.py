"""Describe an endpoint in Swagger 2 or OpenAPI 3, from the model's signature and example."""

from __future__ import annotations

from typing import Any

from .signature import Field, Signature

TYPES: dict[str, dict[str, Any]] = {
    "double": {"type": "number", "format": "double"},
    "float": {"type": "number", "format": "float"},
    "integer": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "boolean": {"type": "boolean"},
    "string": {"type": "string"},
    "binary": {"type": "string", "format": "byte"},
    "datetime": {"type": "string", "format": "date-time"},
    "array": {"type": "array", "items": {}},
}


def document(
    version: int,
    name: str,
    base: str,
    signature: Signature | None,
    example: Any,
    schemas: tuple[dict[str, Any] | None, dict[str, Any] | None] = (None, None),
) -> dict[str, Any]:
    """Write the description; `base` is the path under which the endpoint is reached.

    `schemas` are those that an entry script says of its own input and output.
    """
    asked, answered = schemas
    definitions = {
        "ServiceInput": asked or {**service_input(signature), **({"example": example} if example is not None else {})},
        "ServiceOutput": answered or service_output(signature),
        "ErrorResponse": {
            "type": "object",
            "properties": {"error_code": {"type": "string"}, "message": {"type": "string"}},
        },
    }
    info = {"title": name, "description": f"Scoring API of the endpoint {name}", "version": "1.0"}
    return (_swagger if version == 2 else _openapi)(info, base, definitions)


def service_input(signature: Signature | None) -> dict[str, Any]:
    """Give the body's schema: rows as objects for columns, nested arrays for tensors."""
    if signature is None:
        return {"type": "object", "properties": {"data": {"type": "array", "items": {"type": "array", "items": {}}}}}
    if signature.is_tensor:
        named = {field.name: _tensor(field) for field in signature.inputs if field.name}
        inputs = {"type": "object", "properties": named} if named else _tensor(signature.inputs[0])
        return {"type": "object", "required": ["inputs"], "properties": {"inputs": inputs}}
    if not signature.names:
        rows = {"type": "array", "items": {"type": "array", "items": {}}}
        return {"type": "object", "required": ["input_data"], "properties": {"input_data": rows}}
    record = {
        "type": "object",
        "required": [field.name for field in signature.inputs if field.required],
        "properties": {field.name: _type(field) for field in signature.inputs},
    }
    body: dict[str, Any] = {"dataframe_records": {"type": "array", "items": record}}
    if signature.params:
        body["params"] = {"type": "object", "properties": {p.name: TYPES.get(p.type, {}) for p in signature.params}}
    return {"type": "object", "required": ["dataframe_records"], "properties": body}


def service_output(signature: Signature | None) -> dict[str, Any]:
    outputs = signature.outputs if signature else ()
    if not outputs:
        return {"type": "array", "items": {}}
    if outputs[0].is_tensor:
        return {**_tensor(outputs[0]), "format": "numpy.ndarray"}
    if len(outputs) == 1 and outputs[0].name is None:
        return {"type": "array", "items": _type(outputs[0])}
    record = {"type": "object", "properties": {str(f.name or n): _type(f) for n, f in enumerate(outputs)}}
    return {"type": "array", "items": record}


def _type(field: Field) -> dict[str, Any]:
    return dict(TYPES.get(field.type, {}))


def _tensor(field: Field) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "number"} if field.type[:3] in ("flo", "int", "uin") else {}
    for _ in field.shape or (-1,):
        shape = {"type": "array", "items": shape}
    return shape


def _swagger(info: dict[str, Any], base: str, definitions: dict[str, Any]) -> dict[str, Any]:
    reference = "#/definitions/"
    scored = {
        "operationId": "RunMLService",
        "description": "Score rows with the model",
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "parameters": [
            {
                "name": "serviceInputPayload",
                "in": "body",
                "schema": {"$ref": reference + "ServiceInput"},
                "required": True,
            }
        ],
        "security": [{"Bearer": []}],
        "responses": {
            "200": {"description": "The predictions", "schema": {"$ref": reference + "ServiceOutput"}},
            "default": {"description": "Refused", "schema": {"$ref": reference + "ErrorResponse"}},
        },
    }
    return {
        "swagger": "2.0",
        "info": info,
        "basePath": base or "/",
        "schemes": ["http", "https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"Bearer": {"type": "apiKey", "name": "Authorization", "in": "header"}},
        "paths": {"/": {"get": _health({"schema": {"type": "string"}})}, "/score": {"post": scored}},
        "definitions": definitions,
    }


def _openapi(info: dict[str, Any], base: str, definitions: dict[str, Any]) -> dict[str, Any]:
    def content(name: str) -> dict[str, Any]:
        return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}

    scored = {
        "operationId": "RunMLService",
        "description": "Score rows with the model",
        "requestBody": {"required": True, **content("ServiceInput")},
        "security": [{"Bearer": []}],
        "responses": {
            "200": {"description": "The predictions", **content("ServiceOutput")},
            "default": {"description": "Refused", **content("ErrorResponse")},
        },
    }
    return {
        "openapi": "3.0.3",
        "info": info,
        "servers": [{"url": base or "/"}],
        "paths": {"/": {"get": _health({"content": {"text/plain": {}}})}, "/score": {"post": scored}},
        "components": {
            "schemas": definitions,
            "securitySchemes": {"Bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _health(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": "ServiceHealthCheck",
        "description": "Answer when the endpoint is ready",
        "responses": {"200": {"description": "The endpoint is ready", **body}},
    }
