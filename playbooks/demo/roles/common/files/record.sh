#!/bin/sh
# Stands in for a service manager: what would be done is written down.
echo "$*" >> "$(dirname "$0")/../log/record.log"
