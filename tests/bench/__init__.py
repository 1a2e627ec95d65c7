# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Benchmarks. Those that ask the planner itself import it as Ansible would."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / ".work" / "collections"))
