#!/bin/sh
# Resolves pyproject.toml into the two requirements files, for Python 3.11 and later on Linux and macOS in one file each.
# Exact versions with markers, no index addresses: where the packages come from is the reader's own pip configuration.
set -eu
cd "$(dirname "$0")/.."
compile() {
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate \
        --upgrade --extra all pyproject.toml "$@"
}
compile --output-file mlops_requirements.txt
compile --group dev --constraints mlops_requirements.txt --output-file requirements-dev.txt
for file in mlops_requirements.txt requirements-dev.txt; do
    { echo "# Written by \`make lock\` from pyproject.toml; do not edit."; cat "$file"; } > "$file.new"
    mv "$file.new" "$file"
done
