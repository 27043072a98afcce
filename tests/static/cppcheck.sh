#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cppcheck over everything the build compiles, except tests, with no finding left.
# usage: cppcheck.sh SOURCE_DIR BUILD_DIR
set -euo pipefail
cd "$1"
cache=$2/cppcheck
mkdir -p "$cache"
# Results of files that did not change come from the cache. Not asked for:
# - ignoredReturnValue, constStatement: it takes the values of TRY for unused.
# - returnTempReference: it does not see when both halves of a ?: are lvalues.
# - passedByValue: arguments that are moved from.
cppcheck --std=c++20 --language=c++ --quiet --inline-suppr --error-exitcode=1 -j "$(nproc)" \
    --cppcheck-build-dir="$cache" --enable=warning,performance,portability -I . \
    --suppress=ignoredReturnValue --suppress=constStatement --suppress=returnTempReference \
    --suppress=passedByValue \
    hv domb launch-config measure images gantry
