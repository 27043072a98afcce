// SPDX-License-Identifier: Apache-2.0
#include "hv/abi/xen_domctl.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

namespace {

using hv::abi::Domctl;
using hv::abi::DomctlGetDomainState;
using hv::abi::DomctlHead;
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
    EXPECT_EQ(answer.domain, 1);
    EXPECT_EQ(answer.cmd, 90U);
}

TEST_F(GetDomainState, knows_nothing_of_what_is_not_there) {
    EXPECT_EQ(ask(3), minus(Errno::XEN_ESRCH));
    EXPECT_EQ(ask(0x7ff4), minus(Errno::XEN_ESRCH));
    other.domain().state = State::Refused;
    EXPECT_EQ(ask(2), minus(Errno::XEN_ESRCH));
}

TEST_F(GetDomainState, is_the_services_only_operation_and_nobody_elses) {
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
    domain.domain().roles.add(launch::Role::Launcher);
    EXPECT_EQ(ask(2), minus(Errno::XEN_EPERM));
}

class Launcher : public HypercallTest {
  protected:
    Launcher() { domain.domain().roles.add(launch::Role::Launcher); }

    int64_t order(Domctl what, uint16_t id,
                  uint32_t version = hv::abi::XEN_DOMCTL_INTERFACE_VERSION) {
        return guest.call(Hypercall::domctl,
                          guest.put(DomctlHead{.cmd = static_cast<uint32_t>(what),
                                               .interface_version = version,
                                               .domain = id,
                                               .pad = {}}));
    }
};

TEST_F(Launcher, starts_and_stops_domains) {
    EXPECT_EQ(order(Domctl::XEN_DOMCTL_unpausedomain, 2), 0);
    EXPECT_EQ(order(Domctl::XEN_DOMCTL_destroydomain, 2), 0);
    EXPECT_EQ(order(Domctl::XEN_DOMCTL_destroydomain, 1), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(orders, (std::vector<std::string>{"start 2", "stop 2"}));
}

TEST_F(Launcher, speaks_one_version_of_the_interface) {
    for (const uint32_t version : {0U, 0x14U, 0x16U, ~0U}) {
        EXPECT_EQ(order(Domctl::XEN_DOMCTL_unpausedomain, 2, version), minus(Errno::XEN_EACCES));
        EXPECT_EQ(order(Domctl::XEN_DOMCTL_destroydomain, 2, version), minus(Errno::XEN_EACCES));
    }
    EXPECT_TRUE(orders.empty());
}

TEST_F(Launcher, has_two_operations_that_nobody_else_has) {
    for (uint32_t other_cmd = 0; other_cmd < 100; ++other_cmd) {
        if (other_cmd != 2 && other_cmd != 4) {
            EXPECT_EQ(order(static_cast<Domctl>(other_cmd), 2), minus(Errno::XEN_EPERM));
        }
    }
    EXPECT_EQ(guest.call(Hypercall::domctl, Guest::not_mapped), minus(Errno::XEN_EFAULT));
    for (const launch::Role role : launch::all_roles) {
        if (role != launch::Role::Launcher) {
            domain.domain().roles = {};
            domain.domain().roles.add(role);
            EXPECT_EQ(order(Domctl::XEN_DOMCTL_unpausedomain, 2), minus(Errno::XEN_EPERM));
            EXPECT_EQ(order(Domctl::XEN_DOMCTL_destroydomain, 2), minus(Errno::XEN_EPERM));
        }
    }
    EXPECT_TRUE(orders.empty());
}

}  // namespace
