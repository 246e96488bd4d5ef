#!/bin/sh
# `make demo` and `make test` from a clean clone on each Python named; those that are not here are said and left out.
set -u

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
for version in "$@"; do
    python=""
    # A python of that version on the path, or one that pyenv keeps.
    for candidate in "python$version" "$HOME/.pyenv/versions/$version".*/bin/python; do
        "$candidate" -c pass 2>/dev/null && python=$candidate && break
    done
    if [ -z "$python" ]; then
        echo "python $version: not here"
        continue
    fi
    git clone --quiet . "$folder/$version"
    for target in demo test; do
        start=$(date +%s)
        if make --no-print-directory -C "$folder/$version" "$target" PYTHON="$python" >"$folder/$version-$target.log" 2>&1; then
            echo "python $version: make $target passed in $(($(date +%s) - start)) s"
        else
            echo "python $version: make $target failed:"
            tail -n 30 "$folder/$version-$target.log"
            failed=1
        fi
    done
    rm -rf "$folder/${version:?}"
done
exit $failed
