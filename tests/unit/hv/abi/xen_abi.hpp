// SPDX-License-Identifier: Apache-2.0
// One list of ABI facts, told by two translation units that cannot see each other's names.
#pragma once

#include <cstdint>
#include <span>

struct AbiFact {
    const char* name;
    uint64_t value;
};

std::span<const AbiFact> our_facts();
std::span<const AbiFact> xens_facts();
