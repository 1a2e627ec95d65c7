#!/bin/sh
# healthy when the page and the configuration are there
top=$(dirname "$0")/..
test -s "$top/var/www/public/index.html" && test -s "$top/etc/web/www.conf" && echo "healthy $1"
