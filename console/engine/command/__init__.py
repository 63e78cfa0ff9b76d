"""``docker container run`` as typed values: from a command line, to a command line, to the engine's JSON, and back.

``spec.RunSpec`` says what is wanted; ``parse`` reads it from text, ``render`` writes it as a command, ``body`` as the
request of ``POST /containers/create``, ``derive`` finds it from an existing container. Nothing here asks an engine.
"""
