# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Did hosts wait for each other wherever somebody could notice? Plays with random delays write a journal, and a checker reads it."""
