#!/bin/sh
echo told $1 and $(basename $0)
