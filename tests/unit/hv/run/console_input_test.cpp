// SPDX-License-Identifier: Apache-2.0
// Who is told that the host has sent something, and when. The UART's buffer is the test's.
#include "hv/run/console_input.hpp"

#include "hv/dev/uart_input.hpp"
#include "hv/x86/cpu_local.hpp"
#include "tests/fake/fake_machine.hpp"

#include <gtest/gtest.h>

namespace {

struct Host {
    hv::x86::CpuLocal local;
    bool has_input = false;
    unsigned looks = 0;
};
Host host;

}  // namespace

hv::x86::CpuLocal& hv::x86::this_cpu() {
    return host.local;
}
bool hv::dev::uart_take_input() {
    ++host.looks;
    return host.has_input;
}

namespace {

using hv::EvtchnPort;
using hv::run::serve_console_input;

class ConsoleInput : public testing::Test {
  protected:
    ConsoleInput() {
        host = {};
        service.domain().roles.add(launch::Role::Console);
    }
    static EvtchnPort listen(FakeDomain& domain) {
        const auto virq = static_cast<uint32_t>(hv::abi::Virq::VIRQ_CONSOLE);
        return hv::event::bind_virq(domain.domain(), virq, hv::VcpuId{0}).take();
    }
    // Whether it was told since the last time.
    static bool hears(FakeDomain& domain, EvtchnPort port) {
        uint64_t& word = domain.domain().shared_info->evtchn_pending[port.value() / 64];
        const uint64_t bit = uint64_t{1} << (port.value() % 64);
        const bool is_set = (word & bit) != 0;
        word &= ~bit;
        return is_set;
    }
    static void interrupt(bool has_input) {
        host.local.input_is_due = true;
        host.has_input = has_input;
        serve_console_input();
    }

    FakeMachine machine;
    FakeDomain& other = machine.add_domain(1);
    FakeDomain& service = machine.add_domain(2);
};

TEST_F(ConsoleInput, is_announced_to_the_console_service_alone) {
    const EvtchnPort service_port = listen(service);
    const EvtchnPort other_port = listen(other);
    interrupt(true);
    EXPECT_TRUE(hears(service, service_port));
    EXPECT_FALSE(hears(other, other_port));
}

TEST_F(ConsoleInput, is_looked_for_once_for_an_interrupt) {
    const EvtchnPort port = listen(service);
    host.has_input = true;
    serve_console_input();
    EXPECT_EQ(host.looks, 0U) << "no interrupt came";
    interrupt(true);
    serve_console_input();
    EXPECT_EQ(host.looks, 1U);
    EXPECT_TRUE(hears(service, port));
    interrupt(false);
    EXPECT_FALSE(hears(service, port)) << "it was a false alarm";
    interrupt(true);
    EXPECT_TRUE(hears(service, port));
}

TEST_F(ConsoleInput, waits_where_nobody_listens_yet) {
    interrupt(true);
    const EvtchnPort port = listen(service);
    EXPECT_FALSE(hears(service, port)) << "it reads once at its start";
    interrupt(true);
    EXPECT_TRUE(hears(service, port));
}

}  // namespace
