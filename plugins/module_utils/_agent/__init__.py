# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The agent: what runs on a target. On the target this package is called `rustle_agent`.

framing, messages   the wire, shared with the controller
protocol, outcome   what to do about a message or an ended step: pure
payload, codefile   code: the cache, the importer, what was compiled
warm, traces, seen  what is imported before a fork, and who may start from it
runner, child       one forked process a step
output              where its output goes
server, loop        the door, and the loop behind it
"""
