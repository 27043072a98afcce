#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every C++ file is formatted as .clang-format says. `clang-format -i FILE` repairs one.
# usage: format.sh SOURCE_DIR
set -euo pipefail
cd "$1"
find hv domb launch-config measure images gantry tests \
    \( -name '*.cpp' -o -name '*.hpp' \) -print0 | sort -z |
    xargs -0 -n 16 -P "$(nproc)" clang-format --dry-run -Werror
