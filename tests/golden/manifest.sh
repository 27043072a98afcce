#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gantry check on the manifests of tests/corpus/manifest: each good one passes, each bad one gives
# exactly the diagnostics of its .expect. With UPDATE=1 the .expect files are rewritten, for review.
# usage: manifest.sh GANTRY CORPUS
set -uo pipefail
gantry=$(readlink -f "$1")
failed=0
checked=0
cd "$2/good" || exit 1
for manifest in *.json; do
    if ! "$gantry" check "$manifest"; then
        echo "good/$manifest: refused"
        failed=1
    fi
    checked=$((checked + 1))
done
cd ../bad || exit 1
for manifest in *.json; do
    expect=${manifest%.json}.expect
    found=$("$gantry" check "$manifest" 2>&1)
    status=$?
    if [ -n "${UPDATE:-}" ]; then
        printf '%s\n' "$found" >"$expect"
    fi
    if [ $status -ne 1 ]; then
        echo "bad/$manifest: exit status $status: expected 1"
        failed=1
    fi
    if ! diff -u --label "$expect" --label found "$expect" - <<<"$found"; then
        failed=1
    fi
    checked=$((checked + 1))
done
echo "$checked manifests checked"
[ $checked -gt 120 ] || failed=1
exit $failed
