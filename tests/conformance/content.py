"""What the conformance suite asks for that answers at once: tools, resources, prompts and completions."""

import io
import json
import wave
from collections.abc import Callable, Sequence
from typing import Any

from mcp.server.mcpserver import Audio, Context, Image, MCPServer, UserMessage
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    EmbeddedResource,
    PromptReference,
    ResourceTemplateReference,
    SubscribeRequestParams,
    TextResourceContents,
    UnsubscribeRequestParams,
)
from PIL import Image as Picture


def red_dot() -> bytes:
    written = io.BytesIO()
    Picture.new("RGB", (1, 1), "red").save(written, "PNG")
    return written.getvalue()


def silence() -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(1600))
    return written.getvalue()


def embedded(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def test_simple_text() -> str:
    """Answers a sentence."""
    return "This is a simple text response for testing."


def test_image_content() -> Image:
    """Answers a picture."""
    return Image(data=red_dot(), format="png")


def test_audio_content() -> Audio:
    """Answers a sound."""
    return Audio(data=silence(), format="wav")


def test_embedded_resource() -> EmbeddedResource:
    """Answers a resource."""
    return embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")


def test_multiple_content_types() -> list[Any]:
    """Answers a sentence, a picture and a resource."""
    resource = embedded("test://mixed-content-resource", "application/json", json.dumps({"test": "data", "value": 123}))
    return ["Multiple content types test:", Image(data=red_dot(), format="png"), resource]


def test_error_handling() -> str:
    """Fails."""
    raise ToolError("This tool intentionally returns an error for testing")


async def test_trigger_tool_change(context: Context) -> str:
    """Tells those who listen that the list of tools changed."""
    await context.notify_tools_changed()
    return "told"


async def test_trigger_prompt_change(context: Context) -> str:
    """Tells those who listen that the list of prompts changed."""
    await context.notify_prompts_changed()
    return "told"


TOOLS: tuple[Callable[..., Any], ...] = (
    test_simple_text,
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
    test_error_handling,
    test_trigger_tool_change,
    test_trigger_prompt_change,
)


def add_resources(server: MCPServer[Any]) -> None:
    @server.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        """A text."""
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        """A picture."""
        return red_dot()

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def data(id: str) -> str:
        """What the id says."""
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})

    @server.resource("test://watched-resource", mime_type="text/plain")
    def watched() -> str:
        """A text that one can subscribe to."""
        return "It never changes."


def add_subscriptions(server: MCPServer[Any]) -> None:
    """Up to revision 2025-11-25 a client subscribes to one resource."""
    subscribed: set[str] = set()

    async def subscribe(_: object, params: SubscribeRequestParams) -> dict[str, Any]:
        subscribed.add(str(params.uri))
        return {}

    async def unsubscribe(_: object, params: UnsubscribeRequestParams) -> dict[str, Any]:
        subscribed.discard(str(params.uri))
        return {}

    server._lowlevel_server.add_request_handler("resources/subscribe", SubscribeRequestParams, subscribe)
    server._lowlevel_server.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, unsubscribe)


def add_prompts(server: MCPServer[Any]) -> None:
    @server.prompt()
    def test_simple_prompt() -> str:
        """A sentence."""
        return "This is a simple prompt for testing."

    @server.prompt()
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """Repeats its arguments."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt()
    def test_prompt_with_embedded_resource(resourceUri: str) -> Sequence[UserMessage]:
        """A resource, and what to do with it."""
        resource = embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
        return [UserMessage(resource), UserMessage("Please process the embedded resource above.")]

    @server.prompt()
    def test_prompt_with_image() -> Sequence[UserMessage]:
        """A picture, and what to do with it."""
        return [UserMessage(Image(data=red_dot(), format="png")), UserMessage("Please analyze the image above.")]


def add_completion(server: MCPServer[Any]) -> None:
    words = ("paris", "park", "party")

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        found = [word for word in words if word.startswith(argument.value)]
        return Completion(values=found, total=len(found), has_more=False)
