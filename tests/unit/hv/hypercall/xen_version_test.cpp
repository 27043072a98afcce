// SPDX-License-Identifier: Apache-2.0
#include "hv/abi/xen_version.hpp"

#include "tests/unit/hv/hypercall/guest_fixture.hpp"

#include <cstring>

namespace {

using hv::abi::Errno;
using hv::abi::Hypercall;
using Version = hv::abi::XenVersionOp;

class XenVersion : public HypercallTest {
  protected:
    int64_t ask(Version op, uint64_t argument = 0) {
        return guest.call(Hypercall::xen_version, static_cast<uint64_t>(op), argument);
    }
    template <class T>
    T answer(Version op) {
        T dirty{};
        std::memset(&dirty, 0xff, sizeof(dirty));
        const uint64_t at = guest.put(dirty);
        EXPECT_EQ(ask(op, at), 0);
        return guest.get<T>(at);
    }
};

TEST_F(XenVersion, is_4_17) {
    EXPECT_EQ(ask(Version::XENVER_version), 4 << 16 | 17);
    EXPECT_STREQ(answer<hv::abi::XenExtraversion>(Version::XENVER_extraversion).text, ".5-gantry");
    EXPECT_EQ(ask(Version::XENVER_pagesize), 4096);
}

TEST_F(XenVersion, texts_end_with_zeros) {
    const auto info = answer<hv::abi::XenCompileInfo>(Version::XENVER_compile_info);
    EXPECT_EQ(info.compile_date[31], 0);
    EXPECT_EQ(info.compile_by[0], 0);
    EXPECT_EQ(answer<hv::abi::XenChangesetInfo>(Version::XENVER_changeset).text[63], 0);
    const auto capabilities = answer<hv::abi::XenCapabilitiesInfo>(Version::XENVER_capabilities);
    EXPECT_NE(std::strstr(capabilities.text, "hvm-3.0-x86_64"), nullptr);
}

TEST_F(XenVersion, features_are_those_of_a_pvh_guest) {
    const uint64_t at = guest.put(hv::abi::XenFeatureInfo{});
    EXPECT_EQ(ask(Version::XENVER_get_features, at), 0);
    EXPECT_EQ(guest.get<hv::abi::XenFeatureInfo>(at).submap,
              1U << 0 | 1U << 2 | 1U << 8 | 1U << 9 | 1U << 13 | 1U << 16);
}

TEST_F(XenVersion, there_is_one_submap) {
    const uint64_t at = guest.put(hv::abi::XenFeatureInfo{.submap_idx = 1, .submap = 7});
    EXPECT_EQ(ask(Version::XENVER_get_features, at), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(guest.get<hv::abi::XenFeatureInfo>(at).submap, 7U);
}

TEST_F(XenVersion, guest_handle_is_the_uuid) {
    for (size_t n = 0; n < 16; ++n) {
        domain.domain().uuid[n] = static_cast<std::byte>(n);
    }
    const auto handle = answer<std::array<std::byte, 16>>(Version::XENVER_guest_handle);
    EXPECT_EQ(handle, domain.domain().uuid);
}

TEST_F(XenVersion, hypervisor_secrets_are_denied_as_on_xen) {
    EXPECT_STREQ(answer<hv::abi::XenCommandline>(Version::XENVER_commandline).text, "<denied>");
    EXPECT_EQ(ask(Version::XENVER_build_id, 0), minus(Errno::XEN_EPERM));
}

TEST_F(XenVersion, bad_pointers_and_commands) {
    EXPECT_EQ(ask(Version::XENVER_extraversion, Guest::not_mapped), minus(Errno::XEN_EFAULT));
    EXPECT_EQ(ask(Version::XENVER_get_features, ~0UL), minus(Errno::XEN_EFAULT));
    EXPECT_EQ(ask(static_cast<Version>(11)), minus(Errno::XEN_ENOSYS));
    EXPECT_EQ(ask(static_cast<Version>(~0U)), minus(Errno::XEN_ENOSYS));
}

}  // namespace
