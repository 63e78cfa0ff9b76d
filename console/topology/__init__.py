"""The networks of an engine as a graph: its picture, and who reaches whom. Pure functions over frozen dataclasses.

``graph`` is what both start from, ``place`` gives every container its cell, ``draw`` makes the picture of it, ``reach``
says who reaches whom by the engine's rules (not by the picture), ``change`` what would make it otherwise.
"""
