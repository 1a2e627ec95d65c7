# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prints what each kind of adaptation brings in its scene: `python -m tests.scenarios`."""

from __future__ import annotations

from tests.scenarios.scenes import CASES
from tests.scenarios.world import World


def main() -> None:
    print(f"{'kind':22}{'scene':18}{'measure':14}{'without':>9}{'with':>9}  {'compared with'}")
    for case in CASES:
        without = case.measure(World(case.scene, engine=bool(case.without), without=case.without).run())
        adapted = case.measure(World(case.scene, engine=True).run())
        other = f"the engine without {case.without}" if case.without else "no engine"
        print(f"{case.kind:22}{case.scene.work.__name__:18}{case.measure.__name__:14}{without:9.0f}{adapted:9.0f}  {other}")


if __name__ == "__main__":
    main()
