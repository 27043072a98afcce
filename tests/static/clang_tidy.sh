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
# units < ENTRIES: those of the product, freestanding ones first. A unit is a source, or a file of
# CMake's that includes sources.
units() {
    jq --arg root "$source/" --arg cmake "$work/cmake/" '
        [.[] | select(.file | (endswith(".cpp") and (startswith($root + "tests/") | not)) or
                              (endswith(".cxx") and (startswith($cmake + "tests/") | not)))]
        | sort_by(.command | contains(" -ffreestanding ") | not) | unique_by(.file)
        | sort_by(.command | contains(" -ffreestanding ") | not)'
}

# sources_of UNIT, as the repository names them.
sources_of() {
    case $1 in
        *.cxx) sed -n 's/^#include "\(.*\)"$/\1/p' "$1" ;;
        *) echo "$1" ;;
    esac | sed "s|^$source/||"
}

# A unit all of whose sources earlier ones have is the host's copy of a freestanding one.
units <"$work/cmake/compile_commands.json" >"$work/units.json"
declare -A is_looked_at=()
while read -r unit; do
    is_new=
    for file in $(sources_of "$unit"); do
        [ -n "${is_looked_at[$file]:-}" ] || is_new=yes
        is_looked_at[$file]=yes
    done
    [ -z "$is_new" ] || echo "$unit"
done < <(jq -r '.[].file' "$work/units.json") >"$work/units"
jq --rawfile units "$work/units" '($units | split("\n")) as $kept | map(select(.file | IN($kept[])))' \
    "$work/units.json" >"$work/compile_commands.json"

find "${folders[@]}" -name '*.cpp' | sort >"$work/sources"
if ! printf '%s\n' "${!is_looked_at[@]}" | sort | diff - "$work/sources"; then
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
