"""The only place that knows MCP: tools, wire types, pictures for the model. Imports nothing heavy."""
