"""The client's side of an engine, in the standard library alone: it starts in hundredths of a second.

options    the options of `serve`
endpoint   where the engine of a library is met: socket, lock, state file
reaching   a greeted connection to the engine, which is started where there is none
relay      `serve`: one client's stdin and stdout, passed through
listening  `serve --http`: has the engine listen, and stays with it
token      the secret that HTTP asks for
stderr     lines for the person
"""
