"""Ask over MCP, as an assistant does: python ask_over_mcp.py QUESTION --root FOLDER"""

import asyncio
import sys

from mcp import Client, StdioServerParameters


async def ask(question: str, *options: str) -> None:
    async with Client(StdioServerParameters(command="mcp-mmretrieval", args=list(options))) as client:
        await client.call_tool("add_documents")
        print((await client.call_tool("search_media", {"query": question})).structured_content["hits"])


asyncio.run(ask(*sys.argv[1:]))
