"""The OpenAPI 3.1 description, made from the table of routes that the service itself goes by."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, ClassVar

from jupyter_tos_guard.central.web.base import BaseHandler
from jupyter_tos_guard.central.web.callers import HUB_SCOPE, PUBLIC, USER
from jupyter_tos_guard.central.web.routes import Route

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "hint"],
            "properties": {name: {"type": "string"} for name in ("code", "message", "hint")},
        }
    },
}
_PROBLEMS = {
    "400": "Not readable",
    "401": "Nobody is known by the request",
    "403": "The caller may not do this",
    "404": "There is no such thing, or it is somebody else's",
    "409": "It was done already, or something else was in between",
    "413": "The body is too large",
    "415": "The body is of a kind that is not taken",
    "422": "Something in query or body is not as described",
    "429": "Too many requests; Retry-After says when to come again",
    "503": "Busy, or the database does not answer; nothing was stored; Retry-After says when to come again",
}


def describe(routes: Iterable[Route], prefix: str) -> dict[str, Any]:
    """Return the description.

    Parameters
    ----------
    routes : iterable of Route
    prefix : str
        Path below which the service is.
    """
    schemas: dict[str, Any] = {"Error": _ERROR}
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault("/" + route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jupyter_tos_guard central server",
            "version": version("jupyter_tos_guard"),
            "summary": "Policy out, strikes in, people in between.",
            "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
        },
        "servers": [{"url": prefix.rstrip("/") or "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of the JupyterHub, or of this service when there is no Hub.",
                }
            },
            "responses": {
                code: {
                    "description": text,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
                for code, text in _PROBLEMS.items()
            },
        },
    }


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    needed = {
        PUBLIC: "Needs nothing.",
        USER: "Needs a user's token; it is about that user's own record.",
    }.get(route.access, f"Needs the scope `{HUB_SCOPE}{route.access}`.")
    name = route.path.removeprefix("api/v1/").replace("/", "-").replace("{", "").replace("}", "")
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}-{name}",
        "summary": route.summary,
        "description": needed,
        "parameters": _parameters(route),
        "responses": {
            "200": {
                "description": "Done",
                "content": {route.content: {"schema": route.answer or {"type": "object"}}},
            },
            **{code: {"$ref": f"#/components/responses/{code}"} for code in _PROBLEMS},
        },
    }
    if route.access != PUBLIC:
        operation["security"] = [{"token": []}]
    if route.body is not None:
        schema = route.body.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[route.body.__name__] = schema
        operation["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": f"#/components/schemas/{route.body.__name__}"}}
            },
        }
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 400},
        }
        for name in route.parameters
    ]
    schema = route.query.model_json_schema()
    for name, part in schema.get("properties", {}).items():
        found.append(
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "schema": {key: value for key, value in part.items() if key != "title"},
            }
        )
    return found


class Description(BaseHandler):
    """Sends the description."""

    access: ClassVar[str] = PUBLIC
    is_page: ClassVar[bool] = False
    metrics_name = "openapi"

    def initialize(self, **parts: Any) -> None:
        """Take the ``description``."""
        super().initialize()
        self._description: dict[str, Any] = parts["description"]

    async def get(self) -> None:
        """Send it."""
        self.write_json(self._description)
