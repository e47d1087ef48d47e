"""
Lays DuckDB's spatial extension, which PyPI has as a package, where DuckDB looks for it under HOME. bqemulator needs it, and
without this would download it at each start.
"""

import shutil
from pathlib import Path

import duckdb
import duckdb_extension_spatial

version = f"v{duckdb.__version__}"
(platform,) = duckdb.execute("PRAGMA platform").fetchone()
package = Path(duckdb_extension_spatial.__file__).parent
place = Path.home() / ".duckdb/extensions" / version / platform
shutil.copytree(package / "extensions" / version, place, dirs_exist_ok=True)
