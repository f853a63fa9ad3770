"""The server's sentences as a person at a terminal reads them: commands to run in place of tools to call.

The library speaks to agents. What it says passes here on its way to the terminal: each sentence is written once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_RULES: tuple[tuple[str, str], ...] = (
    (
        r"No folder is allowed, so nothing can be read\. Start the server with --root FOLDER\.",
        "Nothing was added at a terminal yet. Run: mcp-mmretrieval add FOLDER.",
    ),
    (r"Call add_documents; without paths it takes the allowed folders\.", "Run: mcp-mmretrieval add FOLDER."),
    (
        r"Still running, and goes on by itself: call add_documents again with the same arguments to wait, or status "
        r"with job=(\w+)\.",
        r"Job \1 still runs, and goes on by itself: `mcp-mmretrieval jobs` shows how far it is.",
    ),
    (r"[Cc]all add_documents again with the same arguments", "Run the same `mcp-mmretrieval add` again"),
    (r"call status for problems, then add_documents again", "see `mcp-mmretrieval status`, then add again"),
    (r"Call add_documents with dry_run=false to add\.", "Leave --dry-run out to add."),
    (r"Call add_documents to read it again\.", "Run `mcp-mmretrieval add` with it to read it again."),
    (
        r"add it with add_documents, which also says why if it cannot be read",
        "add it with `mcp-mmretrieval add`, which also says why if it cannot be read",
    ),
    (
        r"Pass an id or citation from search_media, or a path from list_documents; a file that was never added is "
        r"added with add_documents\.",
        "Give a path, or what `mcp-mmretrieval search` or `mcp-mmretrieval list` shows. What was never added is added "
        "so: mcp-mmretrieval add FILE.",
    ),
    (r"list_documents has (?:the|all) notes on (?:each|it)", "`mcp-mmretrieval list --json` has all notes"),
    (r"list_documents shows what is held under it", "`mcp-mmretrieval list FOLDER` shows what is held under it"),
    (
        r"Try other words, or like= with a picture or sound; list_documents shows what is there\. If that finds no "
        r"better, say that it is not in these files\.",
        "Try other words, or --like with a picture or sound; `mcp-mmretrieval list` shows what is there.",
    ),
    (r"Call list_documents to see what is\.", "`mcp-mmretrieval list` shows what is."),
    (r"take them out with remove_documents", "take them out with `mcp-mmretrieval remove`"),
    (
        r"Call status to see which folders are allowed\.",
        "`mcp-mmretrieval status` lists the folders that are seen here; --root FOLDER names another.",
    ),
    (r"Call (?:status without a job|jobs) to see the latest ones\.", "`mcp-mmretrieval jobs` lists the latest ones."),
    (r"call status to see which", "`mcp-mmretrieval status` says which"),
    (r"status says why", "`mcp-mmretrieval status` says why"),
    (r"status tells whether something is wrong", "`mcp-mmretrieval status` tells whether something is wrong"),
    (r": not found under the allowed folders\.", ": not found in the folders that are seen here."),
    (r"under the allowed folders", "in the folders that are seen here"),
    (r"The allowed folder (.+?) does not exist, so nothing in it can be read\. Correct --root, or make it\.",
     r"The folder \1 was added, and is not there now. Mount or make it, or forget it: mcp-mmretrieval remove \1."),
    (r"If that is a mistake, a person brings back what is gone with", "If that is a mistake, bring it back with"),
    (r"[Tt]h(e|is) allowed folder\b", r"th\1 folder"),
    (r"put the file into an allowed folder and give its path", "give the path of a file"),
    (r"by their path in an allowed folder", "by their path"),
    (r"Ask the person to run `mcp-mmretrieval doctor`", "Run `mcp-mmretrieval doctor`"),
    (
        r"This server is read-only: ask the person to add files with `mcp-mmretrieval add`\.",
        "The settings say read-only: unset MMRETRIEVAL_READ_ONLY to add.",
    ),
    (r"Start the server again|start the server again", "Run `mcp-mmretrieval stop`, then try again"),
    (r"use a smaller offset", "leave --limit out"),
    (r"Pass ids, citations or paths, or raw `texts`\.", "Give ids, citations or paths."),
    (r"\bsearch_media\b", "`mcp-mmretrieval search`"),
    (r"\bopen_media\b", "`mcp-mmretrieval open`"),
    (r"\badd_documents\b", "`mcp-mmretrieval add`"),
    (r"\blist_documents\b", "`mcp-mmretrieval list`"),
    (r"\bremove_documents\b", "`mcp-mmretrieval remove`"),
    (r"\b(dry_run|picture|sheet)=false\b", "--no-\1"),
)  # fmt: skip
"""What an agent is told, and what a person is; the last ones are for sentences that nobody has thought of yet."""

_COMPILED = tuple((re.compile(pattern), put) for pattern, put in _RULES)
_OURS = frozenset({"notes", "problems", "reason", "error", "index", "sandbox"})
"""Keys of an answer under which stand sentences of ours. What files say stays as it is."""


def for_person(text: str) -> str:
    """The sentence with commands in place of tools."""
    for pattern, put in _COMPILED:
        text = pattern.sub(put, text)
    return text


def answer_for_person(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A tool's answer with our sentences in it as a person reads them."""
    return {name: _told(value) if name in _OURS else _within(value) for name, value in answer.items()}


def _told(value: Any) -> Any:
    if isinstance(value, str):
        return for_person(value)
    return [_told(one) for one in value] if isinstance(value, list) else value


def _within(value: Any) -> Any:
    if isinstance(value, Mapping):
        return answer_for_person(value)
    return [_within(one) for one in value] if isinstance(value, list) else value
