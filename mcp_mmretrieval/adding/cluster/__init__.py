"""Reading on the nodes of a Ray cluster: the task that runs there, the process that talks to Ray, the engine's side."""
