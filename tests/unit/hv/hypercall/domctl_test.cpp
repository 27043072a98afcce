// SPDX-License-Identifier: Apache-2.0
#include "hv/abi/xen_domctl.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

namespace {

using hv::abi::DomctlGetDomainState;
using hv::abi::Errno;
using hv::abi::Hypercall;
using hv::domain::State;

class GetDomainState : public HypercallTest {
  protected:
    GetDomainState() { domain.domain().roles.add(launch::Role::Xenstore); }

    int64_t ask(uint16_t id) {
        const uint64_t at = guest.put(DomctlGetDomainState{
            .cmd = static_cast<uint32_t>(hv::abi::Domctl::XEN_DOMCTL_get_domain_state),
            .interface_version = version,
            .domain = id,
            .pad = {},
            .state = 0xffff,
            .caps = 0xffff,
            .pad0 = 0xffff,
            .unique_id = 0});
        const int64_t result = guest.call(Hypercall::domctl, at);
        answer = guest.get<DomctlGetDomainState>(at);
        return result;
    }
    uint32_t version = 0;
    DomctlGetDomainState answer{};
};

TEST_F(GetDomainState, tells_what_became_of_a_domain) {
    ASSERT_EQ(ask(2), 0);
    EXPECT_EQ(answer.state, hv::abi::XEN_DOMCTL_GETDOMSTATE_STATE_EXIST);
    EXPECT_EQ(answer.caps, 0);
    EXPECT_EQ(answer.pad0, 0U);
    EXPECT_EQ(answer.unique_id, 2U);
    other.domain().is_dying = true;
    ASSERT_EQ(ask(2), 0);
    EXPECT_EQ(answer.state, hv::abi::XEN_DOMCTL_GETDOMSTATE_STATE_EXIST |
                                hv::abi::XEN_DOMCTL_GETDOMSTATE_STATE_SHUTDOWN);
    other.domain().is_torn_down = true;
    EXPECT_EQ(ask(2), minus(Errno::XEN_ESRCH));
}

TEST_F(GetDomainState, names_the_roles_that_Xen_names) {
    ASSERT_EQ(ask(1), 0);
    EXPECT_EQ(answer.caps, hv::abi::XEN_DOMCTL_GETDOMSTATE_CAP_XENSTORE);
}

TEST_F(GetDomainState, knows_nothing_of_what_is_not_there) {
    EXPECT_EQ(ask(3), minus(Errno::XEN_ESRCH));
    EXPECT_EQ(ask(0x7ff4), minus(Errno::XEN_ESRCH));
    other.domain().state = State::Refused;
    EXPECT_EQ(ask(2), minus(Errno::XEN_ESRCH));
}

TEST_F(GetDomainState, is_the_only_operation_and_for_the_service_only) {
    version = 0x15;
    EXPECT_EQ(ask(2), minus(Errno::XEN_EACCES));
    EXPECT_EQ(guest.call(Hypercall::domctl, Guest::not_mapped), minus(Errno::XEN_EFAULT));
    constexpr uint32_t destroydomain = 2;
    const DomctlGetDomainState destroy{.cmd = destroydomain,
                                       .interface_version = 0,
                                       .domain = 2,
                                       .pad = {},
                                       .state = 0,
                                       .caps = 0,
                                       .pad0 = 0,
                                       .unique_id = 0};
    EXPECT_EQ(guest.call(Hypercall::domctl, guest.put(destroy)), minus(Errno::XEN_EPERM));
    domain.domain().roles = {};
    version = 0;
    EXPECT_EQ(ask(2), minus(Errno::XEN_EPERM));
}

}  // namespace
