"""Everything that talks to a Docker engine. Knows no Django, returns frozen dataclasses, raises ``EngineError``."""
