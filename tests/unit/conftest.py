# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all unit tests need before any of them is imported."""
from __future__ import annotations

import hypothesis
from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

# Ansible's collection loader must be there before anything below ansible_collections is imported.
if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader()

# No test depends on wall time.
hypothesis.settings.register_profile('rustle', deadline=None)
hypothesis.settings.load_profile('rustle')
