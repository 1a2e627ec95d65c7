# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ansible-core's own integration targets under our strategy: `make conformance`.

The judge that isolates and runs the targets is not part of this project; CONFORMANCE names its folder (../shared/conformance). What is
ours: getting the targets, linear's results once, ours over local and ssh, the regressions, and how much went through agents.
"""
