"""Run the stage on the port that the command line names."""

from __future__ import annotations

import sys

from tests.e2e.stage.app import serve_stage

serve_stage(int(sys.argv[1]))
