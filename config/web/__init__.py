"""Run the web server, which reads requests and writes answers without occupying a thread that runs a view.

`python -m config.web` starts a supervisor and the processes that it watches over. Each process has one loop, which does
all reading and writing, and threads, which run the views. Processes are of three kinds: *ordinary* ones accept the
connections, one answers *stops*, and one takes *large* bodies and files. A connection moves to the process of the kind
that its request is of, so a stop never waits for a thread, or for the interpreter lock, that other calls hold.

docs/deployment.md describes the settings; docs/decisions/0011-web-server.md says why it is built in this way.
"""
