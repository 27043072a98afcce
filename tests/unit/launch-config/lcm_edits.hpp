// SPDX-License-Identifier: Apache-2.0
// An LCM that is changed behind its encoder's back, with libfdt. For tests.
#pragma once

#include "launch-config/model/encode.hpp"
#include "tests/unit/launch-config/refusal.hpp"
#include "tests/unit/launch-config/sample_graph.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <libfdt.h>

namespace launch::test {

using Bytes = std::vector<std::byte>;

// What decode says of the sample's LCM after `edit` has worked on it with libfdt.
inline std::string refusal_after(const std::function<void(void*)>& edit) {
    Bytes lcm = encode(sample_graph());
    Bytes room(lcm.size() + 4096);
    EXPECT_EQ(0, fdt_open_into(lcm.data(), room.data(), static_cast<int>(room.size())));
    edit(room.data());
    EXPECT_EQ(0, fdt_pack(room.data()));
    room.resize(fdt_totalsize(room.data()));
    return refusal(room);
}

inline int node(void* tree, const char* path) {
    const int offset = fdt_path_offset(tree, path);
    EXPECT_GE(offset, 0) << path;
    return offset;
}

constexpr const char* first = "/chosen/hypervisor/domain-1";
constexpr const char* second = "/chosen/hypervisor/domain-2";
constexpr const char* kernel = "/chosen/hypervisor/domain-1/kernel";

}  // namespace launch::test
