"""dbctl FILE migrate SQLFILE | dbctl FILE tables: a little database server's client, on top of sqlite."""

import os
import sqlite3
import sys

connection = sqlite3.connect(sys.argv[1])
connection.execute("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY)")
if sys.argv[2] == "migrate":
    name = os.path.basename(sys.argv[3])
    if connection.execute("SELECT 1 FROM migration WHERE name = ?", (name,)).fetchone():
        print("already applied: " + name)
    else:
        with open(sys.argv[3]) as script:
            connection.executescript(script.read())
        connection.execute("INSERT INTO migration VALUES (?)", (name,))
        print("applied: " + name)
    connection.commit()
else:
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"):
        print(table)
