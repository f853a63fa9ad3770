"""Tools that say what was wrong with a call, and schemas that every client can read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, TextContent
from pydantic import ValidationError

from mcp_mmretrieval.errors import BadArgument, Busy, RetrievalError
from mcp_mmretrieval.server.tools.arguments import without_absent, without_unknown
from mcp_mmretrieval.server.tools.sanitize import sanitize_text

MAX_ERROR_CHARACTERS = 1_000
"""Characters of an error message that reach the model."""
RETRY_AFTER_KEY = "mcp-mmretrieval/retryAfterMs"
"""In `_meta` of a result that says Busy: milliseconds after which asking again makes sense."""


class StrictTool(Tool):
    """A tool that understands arguments as frameworks send them, and tells what was wrong in plain words.

    Misspelt arguments are refused; what a framework added for itself is ignored, and the answer says so.
    """

    @classmethod
    def from_function(cls, fn: Callable[..., Any], *args: Any, **options: Any) -> StrictTool:
        """A tool from an async function; its docstring is the description."""
        tool = super().from_function(fn, *args, **{"description": " ".join((fn.__doc__ or "").split()), **options})
        assert isinstance(tool, StrictTool)
        metadata = tool.fn_metadata
        tool.parameters = {**_without_nulls(portable_schema(tool.parameters)), "additionalProperties": False}
        if metadata.output_schema is not None:
            metadata.output_schema = portable_schema(metadata.output_schema)
        return tool

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """Run the tool. The one place where a failure becomes words for the model; any other failure stays a bug.

        Raises ToolError for a bad argument and for every RetrievalError but Busy, which is a result that clients can
        tell from other errors; UnexpectedToolError for a bug.
        """
        try:
            known, note = without_unknown(self.name, arguments, list(self.parameters["properties"]))
        except BadArgument as error:
            raise ToolError(str(error)[:MAX_ERROR_CHARACTERS]) from error
        try:
            result = await super().run(without_absent(known, self.parameters), context, convert_result)
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, Busy):
                return _busy_result(cause)
            lines = [note] if note else []
            if isinstance(cause, RetrievalError):
                lines = [sanitize_text(str(cause)), *lines]
            elif isinstance(cause, ValidationError) and not isinstance(error, UnexpectedToolError):
                lines = [*_argument_errors(cause), *lines]
            else:
                raise
            raise ToolError("\n".join(lines)[:MAX_ERROR_CHARACTERS]) from cause
        return _with_note(result, note) if note else result


def _argument_errors(error: ValidationError) -> Iterator[str]:
    """One line for each argument that was wrong."""
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        name = ".".join(str(part) for part in item["loc"])
        yield f"{sanitize_text(name)}: {item['msg'].removeprefix('Value error, ')}"


def _with_note(result: Any, note: str) -> Any:
    """The answer with one more note, in its text and, where it has such a thing, in its data."""
    if not isinstance(result, CallToolResult) or result.is_error:
        return result
    first = result.content[0]
    assert isinstance(first, TextContent)
    first.text += f"\nNote: {note}"
    if (data := result.structured_content) is not None:
        data["notes"] = [*data.get("notes", ()), note]
    return result


def _busy_result(busy: Busy) -> CallToolResult:
    """An error that clients can act on: ToolError would carry its text alone."""
    return CallToolResult(
        content=[TextContent(type="text", text=sanitize_text(str(busy)))],
        is_error=True,
        _meta={RETRY_AFTER_KEY: math.ceil(busy.retry_after * 1000)},
    )


def portable_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without references and without what only Python needs: titles, docstrings, empty defaults."""
    return _plain(schema, schema.get("$defs", {}))


def _plain(schema: dict[str, Any], definitions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if "$ref" in schema:
        target = definitions[schema["$ref"].rpartition("/")[2]]
        return _plain({**target, **{key: value for key, value in schema.items() if key != "$ref"}}, definitions)
    if "properties" in schema and "description" in schema:
        schema = {key: value for key, value in schema.items() if key != "description"}  # a docstring, for us
    plain: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("$defs", "title") or (key == "default" and value in (None, "", [], False)):
            continue
        if key == "additionalProperties" and value is True:  # as it is without
            continue
        if key == "properties":
            plain[key] = {name: _plain(inner, definitions) for name, inner in value.items()}
        elif isinstance(value, dict):
            plain[key] = _plain(value, definitions)
        elif isinstance(value, list):
            plain[key] = [_plain(item, definitions) if isinstance(item, dict) else item for item in value]
        else:
            plain[key] = value
    return plain


def _without_nulls(parameters: dict[str, Any]) -> dict[str, Any]:
    """Optional arguments as plain types: a union with null makes models stumble, and leaving out means the same."""
    return {**parameters, "properties": {name: _not_null(kind) for name, kind in parameters["properties"].items()}}


def _not_null(kind: dict[str, Any]) -> dict[str, Any]:
    kinds = [one for one in kind.get("anyOf", ()) if one != {"type": "null"}]
    if len(kinds) != 1:
        return kind
    return {**kinds[0], **{key: value for key, value in kind.items() if key != "anyOf"}}
