"""What the conformance suite asks from revision 2026-07-28 on: a call that wants more input ends, and is made again."""

from collections.abc import Callable
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)

Round = str | InputRequiredResult


def form(message: str, key: str, kind: str = "string") -> ElicitRequest:
    """A question to the person, with one field."""
    schema = {"type": "object", "properties": {key: {"type": kind}}, "required": [key]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sample(text: str, tokens: int) -> CreateMessageRequest:
    """A question to the client's model."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=text))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=tokens))


def wanted(state: str | None = None, **requests: InputRequest) -> InputRequiredResult:
    return InputRequiredResult(input_requests=requests, request_state=state)


def filled(context: Context, request: str, key: str) -> Any:
    """What the person filled in; None if that is missing or something else."""
    answer = (context.input_responses or {}).get(request)
    return (answer.content or {}).get(key) if isinstance(answer, ElicitResult) else None


def sampled(context: Context, request: str) -> str | None:
    answer = (context.input_responses or {}).get(request)
    if isinstance(answer, CreateMessageResult) and isinstance(answer.content, TextContent):
        return answer.content.text
    return None


def roots(context: Context, request: str) -> list[str] | None:
    answer = (context.input_responses or {}).get(request)
    return [str(root.uri) for root in answer.roots] if isinstance(answer, ListRootsResult) else None


NAME = form("What is your name?", "name")


async def test_input_required_result_elicitation(context: Context) -> Round:
    """Asks for a name."""
    name = filled(context, "user_name", "name")
    return f"Hello, {name}!" if name else wanted(user_name=NAME)


async def test_streaming_elicitation(context: Context) -> Round:
    """Asks for a name, on a stream."""
    return await test_input_required_result_elicitation(context)


async def test_input_required_result_sampling(context: Context) -> Round:
    """Asks the client's model."""
    answer = sampled(context, "capital_question")
    return answer or wanted(capital_question=sample("What is the capital of France?", 100))


async def test_input_required_result_list_roots(context: Context) -> Round:
    """Asks for the client's roots."""
    found = roots(context, "client_roots")
    return wanted(client_roots=ListRootsRequest()) if found is None else f"Roots: {', '.join(found)}"


async def test_input_required_result_request_state(context: Context) -> Round:
    """Asks, and knows again what it asked about."""
    if context.request_state == "confirming" and filled(context, "confirm", "ok") is not None:
        return "state-ok"
    return wanted("confirming", confirm=form("Please confirm", "ok", "boolean"))


async def test_input_required_result_tampered_state(context: Context) -> Round:
    """Asks, and refuses a state that is not its own."""
    return await test_input_required_result_request_state(context)


async def test_input_required_result_multiple_inputs(context: Context) -> Round:
    """Asks the person, the model and the client at once."""
    name, greeting, found = (
        filled(context, "user_name", "name"),
        sampled(context, "greeting"),
        roots(context, "client_roots"),
    )
    if name and greeting and found is not None and context.request_state == "several":
        return f"{greeting} {name}, with {len(found)} roots"
    return wanted(
        "several", user_name=NAME, greeting=sample("Generate a greeting", 50), client_roots=ListRootsRequest()
    )


async def test_input_required_result_multi_round(context: Context) -> Round:
    """Asks twice; the state carries the first answer."""
    name, colour = filled(context, "step1", "name"), filled(context, "step2", "color")
    if colour and context.request_state:
        return f"{context.request_state} likes {colour}"
    if name:
        return wanted(name, step2=form("Step 2: What is your favorite color?", "color"))
    return wanted("nobody yet", step1=form("Step 1: What is your name?", "name"))


async def test_input_required_result_capabilities(context: Context) -> Round:
    """Asks only what the client can answer."""
    can = context.client_capabilities
    asks: dict[str, InputRequest] = {}
    if can is not None and can.elicitation is not None:
        asks["user_name"] = NAME
    if can is not None and can.sampling is not None:
        asks["greeting"] = sample("Generate a greeting", 50)
    return "done" if context.input_responses or not asks else InputRequiredResult(input_requests=asks)


TOOLS: tuple[Callable[..., Any], ...] = (
    test_input_required_result_elicitation,
    test_streaming_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_request_state,
    test_input_required_result_tampered_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
    test_input_required_result_capabilities,
)


def add_prompt(server: MCPServer[Any]) -> None:
    @server.prompt()
    async def test_input_required_result_prompt(context: Context) -> Round:
        """Asks for its context."""
        given = filled(context, "user_context", "context")
        if given:
            return f"Use this context: {given}"
        return wanted(user_context=form("What context should the prompt use?", "context"))
