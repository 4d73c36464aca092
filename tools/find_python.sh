#!/bin/sh
# Prints the first Python >= 3.11 that can make virtual environments; says what to install when there is none.
for name in python3.13 python3.12 python3.11 python3 python; do
    found=$(command -v "$name") || continue
    # A version manager's shim may be there without its Python: only running it tells.
    if "$found" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        echo "$found"
        exit 0
    fi
done
echo "No Python >= 3.11 with the venv module was found (looked for python3.13, 3.12, 3.11, python3, python)." >&2
echo "Install one (Debian and Ubuntu: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3.11 ..." >&2
exit 1
