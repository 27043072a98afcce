#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# After *gone* the free frames are those computed, and a domain that balloons up over frames of domB
# and of the modules finds no byte pattern of any module in them. Maxima that cannot be met are
# refused before anything is started.
# usage: reclaimed.sh GANTRY
. "$(dirname "$0")/../scenario.sh"
patterns=$(readlink -f "$(dirname "$0")/patterns.py")

# 16 MiB that nobody has by accident: 1 KiB again and again.
head -c 1024 /dev/urandom >"$work/marked"
for _ in {1..14}; do
    cat "$work/marked" "$work/marked" >"$work/twice"
    mv "$work/twice" "$work/marked"
done
echo "no pattern yet" >"$work/list"

# plan MAXIMUM: one domain that grows over what domB and the modules, 16 MiB among them, have used.
plan() {
    echo '{
      "measurement": "off",
      "domains": [
        {"name": "grows", "memory": {"initial": "16M", "max": "'"$1"'"}, "kernel": "@reclaimed@",
         "initrd": "'"$work/list"'"},
        {"name": "marked", "memory": "32M", "kernel": "@hello@", "initrd": "'"$work/marked"'"}
      ]}'
}

# number KEY EVENT: what the launch record says.
number() {
    sed -n "s/.* event=$2 .*\b$1=\([0-9]*\).*/\1/p" "$built/record.log"
}
# expect_number KEY EVENT TEST NUMBER
expect_number() {
    [ "$(number "$1" "$2")" "$3" "$4" ] || fail "$1 of $2 is $(number "$1" "$2"): expected $3 $4"
}

new_case "a domain that grows over the memory of domB and the modules"
build <<<"$(plan 190M)"
# Of everything that the loader puts into memory but the list itself.
mapfile -t modules < <(jq -r '.modules[]' "$built/boot.json" | grep -v -- -list)
(cd "$built" && "$patterns" "$work/list" "${modules[@]}") >"$built.out" 2>&1 || fail "no patterns"
cat "$built.out"
build <<<"$(plan 190M)"
module_frames=0
while read -r module; do
    module_frames=$((module_frames + ($(stat -c %s "$built/$module") + 4095) / 4096))
done < <(jq -r '.modules[]' "$built/boot.json")
boot --tpm none --memory 256M
expect_ok
expect_pass grows
expect_pass marked
cat "$built/console/grows.log"
# Free are the frames that were computed; among them are those of the modules and of domB, which has
# a copy of each; the domain got all of these, and could not have got its maximum without them.
expect_number free_frames builder-gone -eq "$(number computed builder-gone)"
expect_number reclaimed builder-gone -ge $((2 * module_frames))
expect_number reclaimed memory-reserved -eq "$(number reclaimed builder-gone)"
expect_number frames memory-reserved -eq $((174 << 8))
expect_number frames memory-reserved -gt \
    $(($(number free_frames builder-gone) - $(number reclaimed builder-gone)))

new_case "a maximum that the machine cannot keep"
build <<<"$(plan 240M)"
boot --tpm none --memory 256M
expect_nothing_started
expect_line 'domain grows (/domains/0): not enough memory for its maximum: needs another 224 MiB'
expect_no_record 'event=builder-started'
finish
