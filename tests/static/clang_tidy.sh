#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy, with the checks of .clang-tidy, over every source of the product, with the flags it is
# compiled with: the freestanding ones, if it is compiled in both ways. What is compiled together is
# looked at together. Ninja looks at a source again when it, a header, its flags or .clang-tidy have
# changed.
# usage: clang_tidy.sh SOURCE_DIR BUILD_DIR
set -euo pipefail
cd "$1"
source=$PWD
work=$2/clang-tidy
mkdir -p "$work/hv"
folders=(hv domb launch-config measure images gantry)

# clang's commands; nothing is compiled.
cmake -S . -B "$work/cmake" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang \
    -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_CXX_COMPILER_LAUNCHER= \
    -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >"$work/cmake.log" 2>&1 ||
    { cat "$work/cmake.log"; exit 1; }
jq --arg root "$source/" --arg cmake "$work/cmake/" '
    [.[] | select(.file | (endswith(".cpp") and (startswith($root + "tests/") | not)) or
                          (endswith(".cxx") and (startswith($cmake + "tests/") | not)))]
    | group_by(.file) | map(sort_by(.command | contains(" -ffreestanding ")) | last)' \
    "$work/cmake/compile_commands.json" >"$work/compile_commands.json"

# What is compiled: a source, or a file of CMake's that includes sources.
jq -r '.[].file' "$work/compile_commands.json" >"$work/units"
find "${folders[@]}" -name '*.cpp' | sort >"$work/sources"
if ! { grep '\.cpp$' "$work/units"; grep '\.cxx$' "$work/units" | xargs sed -n 's/^#include "\(.*\)"$/\1/p'; } |
    sed "s|^$source/||" | sort | diff - "$work/sources"; then
    echo "these sources are compiled by no target"
    exit 1
fi
if grep -nE '#include .*\.cpp' -- $(cat "$work/sources"); then
    echo "a source includes a source"
    exit 1
fi

# A source with one defect of each kind, one of them in a header, must be refused, together with others.
cat >"$work/hv/bad.hpp" <<'EOF'
inline int no_braces(int a) { if (a > 0) return 1; return 2; }
EOF
cat >"$work/hv/bad.cpp" <<'EOF'
#include "hv/bad.hpp"
#include <string>
int zero(int a) { return a - a; }
int moved(std::string a) { std::string b = std::move(a); return no_braces(int(a.size() + b.size())); }
int copied(std::string a) { return int(a.size()); }
EOF
echo '#include "hv/bad.cpp"' >"$work/together.cxx"
found=$(clang-tidy --quiet --config-file=.clang-tidy "$work/together.cxx" -- -std=c++20 -I "$work" \
    2>/dev/null) && { echo "a source with defects went unnoticed"; exit 1; }
for check in bugprone-use-after-move misc-redundant-expression performance-unnecessary-value-param \
    readability-braces-around-statements; do
    grep -qF "[$check," <<<"$found" || { echo "$check found nothing in $work/hv/bad.cpp"; exit 1; }
done

{
    cat <<'EOF'
rule tidy
  command = clang-tidy -p . --quiet --checks=$checks $in 2>$out.err && $compile -MM -MF $out.d -MT $out || { cat $out.err; exit 1; }; touch $out
  depfile = $out.d
  deps = gcc
EOF
    jq -r --arg root "$source/" '.[]
        | (.file | ltrimstr($root)) as $name
        | "build \($name).ok: tidy \(.file) | \($root).clang-tidy\n" +
          "  checks = \(if .file | endswith(".cxx") then "-bugprone-suspicious-include" else "" end)\n" +
          "  compile = \(.command | sub(" -o [^ ]+ -c "; " ") | gsub("[$]"; "$$"))"' \
        "$work/compile_commands.json"
} >"$work/build.ninja"
nice ninja -C "$work" --quiet -k 0 -j "$(nproc)" | sed -u '/^clang-tidy -p/d'  # the command lines
echo "$(wc -l <"$work/sources") sources"
