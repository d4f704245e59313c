#!/bin/sh
# Usage: agent.sh AGENT: a service and clients, played by a script, against the real agent.
exec timeout 120 /usr/bin/python3 -B "$(dirname "$0")/agent.py" "$1"
