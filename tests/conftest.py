"""Fixtures of all tests."""

from tests.engines import clean_engine, engine, engine_session, new_engine

__all__ = ["clean_engine", "engine", "engine_session", "new_engine"]
