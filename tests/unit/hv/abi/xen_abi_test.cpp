// SPDX-License-Identifier: Apache-2.0
// Our ABI headers say what the distribution's Xen headers say.
#include "tests/unit/hv/abi/xen_abi.hpp"

#include "hv/abi/xen_console.hpp"
#include "hv/abi/xen_xenstore.hpp"

#include <gtest/gtest.h>

namespace {

TEST(XenAbi, every_number_size_and_offset_is_xens) {
    const auto ours = our_facts();
    const auto xens = xens_facts();
    ASSERT_EQ(ours.size(), xens.size());
    ASSERT_GT(ours.size(), 400U);
    for (size_t i = 0; i < ours.size(); ++i) {
        ASSERT_STREQ(ours[i].name, xens[i].name);
        EXPECT_EQ(ours[i].value, xens[i].value) << ours[i].name;
    }
}

TEST(XenAbi, the_connection_byte_follows_the_indices_of_the_console_ring) {
    // Xen 4.21 added it; the headers of 4.17 end before it.
    EXPECT_EQ(offsetof(hv::abi::XenconsInterface, connection), 3088U);
}

TEST(XenAbi, the_xenstore_page_ends_with_the_port_of_xen_4_21) {
    EXPECT_EQ(offsetof(hv::abi::XenstoreDomainInterface, evtchn_port), 2076U);
}

}  // namespace
