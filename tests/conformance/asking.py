"""What the conformance suite asks of a server in the middle of a call: progress, log, questions to the client."""

from collections.abc import Callable
from typing import Any

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.shared.exceptions import MCPError
from mcp.types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    ClientCapabilities,
    MissingRequiredClientCapabilityErrorData,
    SamplingCapability,
    SamplingMessage,
    SetLevelRequestParams,
    TextContent,
)

A_MOMENT = 0.05


async def test_tool_with_progress(context: Context) -> str:
    """Reports its progress."""
    for done in (0, 50, 100):
        await context.report_progress(done, 100)
        await anyio.sleep(A_MOMENT)
    return "done"


async def test_tool_with_logging(context: Context) -> str:
    """Logs what it does."""
    for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await context.info(line)
        await anyio.sleep(A_MOMENT)
    return "done"


async def test_logging_tool(context: Context) -> str:
    """Logs, whether the client wants to know or not."""
    await context.info("Somebody may want to know this")
    return "done"


async def test_missing_capability(context: Context) -> str:
    """Needs a client that can sample."""
    can = context.client_capabilities
    if can is None or can.sampling is None:
        needed = ClientCapabilities(sampling=SamplingCapability())
        data = MissingRequiredClientCapabilityErrorData(required_capabilities=needed)
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This tool needs sampling.",
            data.model_dump(by_alias=True, exclude_none=True),
        )
    return "done"


async def test_sampling(context: Context, prompt: str) -> str:
    """Has the client's model answer."""
    question = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
    answer = await context.session.create_message([question], max_tokens=100, related_request_id=context.request_id)
    return f"LLM response: {answer.content.text if isinstance(answer.content, TextContent) else ''}"


async def test_elicitation(context: Context, message: str) -> str:
    """Asks the person for a name and an address."""
    text = {"type": "string"}
    return f"User response: {await asked(context, message, username=text, email=text)}"


async def test_elicitation_sep1034_defaults(context: Context) -> str:
    """Asks with an answer proposed for each kind of question."""
    told = await asked(
        context,
        "Are these right?",
        name={"type": "string", "default": "John Doe"},
        age={"type": "integer", "default": 30},
        score={"type": "number", "default": 95.5},
        status={"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        verified={"type": "boolean", "default": True},
    )
    return f"Elicitation completed: {told}"


async def test_elicitation_sep1330_enums(context: Context) -> str:
    """Asks for a choice in each form that a choice can have."""
    plain = ["option1", "option2", "option3"]
    titled = [
        {"const": f"value{number}", "title": f"{word} Option"}
        for number, word in enumerate(("First", "Second", "Third"), 1)
    ]
    told = await asked(
        context,
        "Choose.",
        untitledSingle={"type": "string", "enum": plain},
        titledSingle={"type": "string", "oneOf": titled},
        legacyEnum={
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        untitledMulti={"type": "array", "items": {"type": "string", "enum": plain}},
        titledMulti={"type": "array", "items": {"anyOf": titled}},
    )
    return f"Elicitation completed: {told}"


async def asked(context: Context, message: str, **properties: dict[str, Any]) -> str:
    """What the person answered."""
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    answer = await context.session.elicit_form(message, schema, context.request_id)
    return f"action={answer.action}, content={answer.content}"


TOOLS: tuple[Callable[..., Any], ...] = (
    test_tool_with_progress,
    test_tool_with_logging,
    test_logging_tool,
    test_missing_capability,
    test_sampling,
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
)


def add_logging(server: MCPServer[Any]) -> None:
    """Up to revision 2025-11-25 a client sets the level of the log."""

    async def set_level(_: object, params: SetLevelRequestParams) -> dict[str, Any]:
        return {}

    server._lowlevel_server.add_request_handler("logging/setLevel", SetLevelRequestParams, set_level)
