#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy, with the checks of .clang-tidy, over every source of the product, each with the flags
# it is compiled with: the freestanding ones, if it is compiled in both ways. Ninja looks at a source
# again when it, a header, its flags or .clang-tidy have changed.
# usage: clang_tidy.sh SOURCE_DIR BUILD_DIR
set -euo pipefail
cd "$1"
source=$PWD
work=$2/clang-tidy
mkdir -p "$work/hv"
folders=(hv domb launch-config measure images gantry)

# clang's commands; nothing is compiled.
cmake -S . -B "$work/cmake" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang \
    -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_CXX_COMPILER_LAUNCHER= -DGANTRY_COMPILE_TOGETHER=OFF \
    -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >"$work/cmake.log" 2>&1 ||
    { cat "$work/cmake.log"; exit 1; }
jq --arg root "$source/" '
    [.[] | select((.file | endswith(".cpp")) and (.file | startswith($root + "tests/") | not))]
    | group_by(.file) | map(sort_by(.command | contains(" -ffreestanding ")) | last)' \
    "$work/cmake/compile_commands.json" >"$work/compile_commands.json"

find "${folders[@]}" -name '*.cpp' | sort >"$work/sources"
if ! jq -r --arg root "$source/" '.[].file | ltrimstr($root)' "$work/compile_commands.json" |
    sort | diff - "$work/sources"; then
    echo "these sources are compiled by no target"
    exit 1
fi

# A source with one defect of each kind, one of them in a header, must be refused.
cat >"$work/hv/bad.hpp" <<'EOF'
inline int no_braces(int a) { if (a > 0) return 1; return 2; }
EOF
cat >"$work/bad.cpp" <<'EOF'
#include "hv/bad.hpp"
#include <string>
int zero(int a) { return a - a; }
int moved(std::string a) { std::string b = std::move(a); return no_braces(int(a.size() + b.size())); }
int copied(std::string a) { return int(a.size()); }
EOF
found=$(clang-tidy --quiet --config-file=.clang-tidy "$work/bad.cpp" -- -std=c++20 -I "$work" \
    2>/dev/null) && { echo "a source with defects went unnoticed"; exit 1; }
for check in bugprone-use-after-move misc-redundant-expression performance-unnecessary-value-param \
    readability-braces-around-statements; do
    grep -qF "[$check," <<<"$found" || { echo "$check found nothing in $work/bad.cpp"; exit 1; }
done

# In what includes CLI11 or nlohmann-json, this check alone takes as long as all others.
slow=$(grep -rlE --include='*.cpp' '#include .*(CLI|json)' "${folders[@]}")
{
    cat <<'EOF'
rule tidy
  command = clang-tidy -p . --quiet --checks=$checks $in 2>$out.err && $compile -MM -MF $out.d -MT $out || { cat $out.err; exit 1; }; touch $out
  depfile = $out.d
  deps = gcc
EOF
    jq -r --arg root "$source/" --arg slow "$slow" '($slow | split("\n")) as $slow | .[]
        | (.file | ltrimstr($root)) as $name
        | "build \($name).ok: tidy \(.file) | \($root).clang-tidy\n" +
          "  checks = \(if $slow | index($name) then "-performance-unnecessary-value-param" else "" end)\n" +
          "  compile = \(.command | sub(" -o [^ ]+ -c "; " ") | gsub("[$]"; "$$"))"' \
        "$work/compile_commands.json"
} >"$work/build.ninja"
nice ninja -C "$work" --quiet -k 0 -j "$(nproc)" | sed -u '/^clang-tidy -p/d'  # the command lines
echo "$(wc -l <"$work/sources") sources"
