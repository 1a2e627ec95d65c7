#!/usr/bin/python
# its action plugin does the work
