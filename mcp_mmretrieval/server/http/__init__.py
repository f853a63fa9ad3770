"""MCP over HTTP: who may come in, how slow a client may be, and the application itself."""
