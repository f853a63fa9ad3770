"""What was found, as a page with pictures and sound in assistants that show such pages (MCP Apps)."""
