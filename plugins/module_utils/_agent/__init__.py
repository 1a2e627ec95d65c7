# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The agent: what runs on a target. On the target this package is called `rustle_agent`.

framing, messages   the wire, shared with the controller
protocol, outcome   what to do about a message or an ended step: pure
payload, warm       code: the cache, the importer, what is imported before a fork
runner, child       one forked process a step
server              the loop
"""
