# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from tests.integration.differential.cases import Differential


class TestLocal(Differential):
    connection = "local"
