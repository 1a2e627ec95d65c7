# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``python -m ansible_collections.rustle.engine.plugins.plugin_utils._cli`` is rustle-plan."""
from __future__ import annotations

import os
import runpy

if __name__ == '__main__':
    runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'entry.py'), run_name='__main__')
