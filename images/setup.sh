# SPDX-License-Identifier: Apache-2.0
# What ./quickstart and ./check share: install what is missing, configure, build. Sourced by both,
# from the root of the tree, with `set -euo pipefail`. Runs no test and boots nothing.

step() {
    printf '\n== %s\n' "$*"
}

# Prints the packages of packages.txt that are not installed.
missing_packages() {
    local wanted
    mapfile -t wanted < <(sed 's/#.*//; s/[[:space:]]//g; /^$/d' packages.txt)
    # dpkg-query fails when it does not know one of the names; those are then missing.
    comm -23 <(printf '%s\n' "${wanted[@]}" | sort) \
        <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null |
            sed -n 's/ installed$//p' | sort)
}

# Needs the network only when something is missing.
install_packages() {
    local missing
    mapfile -t missing < <(missing_packages)
    if [ ${#missing[@]} -eq 0 ]; then
        return
    fi
    step "installing ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        echo "these packages are missing; run this as root, or install them first" >&2
        return 2
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update
    apt-get -q install -y --no-install-recommends "${missing[@]}"
}

# build_preset NAME [TARGET...]: configures once, then builds what changed (of the targets).
build_preset() {
    local output preset=$1
    shift
    step "building preset $preset"
    if ! output=$(cmake --preset "$preset" 2>&1); then
        printf '%s\n' "$output" >&2
        return 1
    fi
    cmake --build --preset "$preset" ${1:+--target "$@"}
}
