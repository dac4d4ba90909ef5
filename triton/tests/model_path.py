"""Makes the text model's modules importable: each model's Python files stand in its own version folder."""

import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "models" / "text" / "1"))
