// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

#include "hv/base/assert.hpp"
#include "hv/dev/guest_console.hpp"
#include "hv/launch/launch_op.hpp"
#include "hv/launch/order.hpp"

namespace {

HypercallTest* running = nullptr;
std::vector<std::string> given_orders;

}  // namespace

int64_t Guest::call(hv::abi::Hypercall number, uint64_t a, uint64_t b, uint64_t c) {
    auto& r = vcpu_.registers;
    r.rax = static_cast<uint64_t>(number);
    r.rdi = a;
    r.rsi = b;
    r.rdx = c;
    rounds_ = 1;
    constexpr unsigned limit = 10000;
    while (hv::hypercall::dispatch(vcpu_) == hv::hypercall::Completion::Again) {
        ASSERT(rounds_++ < limit);
        ASSERT(r.rax == static_cast<uint64_t>(number));
    }
    return static_cast<int64_t>(r.rax);
}

HypercallTest::HypercallTest() : orders{given_orders} {
    orders.clear();
    builder_domain.domain().is_builder = true;
    running = this;
}
HypercallTest::~HypercallTest() {
    running = nullptr;
}

// The functions that other parts provide.
bool hv::dev::write_guest_console(DomainId source, uint8_t channel, std::span<const char> text,
                                  UartSender sender) {
    running->console_sender = sender;
    if (running->console_refusals != 0) {
        --running->console_refusals;
        return false;
    }
    std::string& all = channel == 0 ? running->console[source.value()]
                                    : running->channels[{source.value(), channel}];
    all.append(text.data(), text.size());
    return true;
}

void hv::dev::tell_console_room(DomainId domain, uint8_t channel, uint16_t bytes) {
    running->room[{domain.value(), channel}] += bytes;
}

size_t hv::dev::read_host_input(std::span<char> to) {
    const size_t count = running->input.copy(to.data(), to.size());
    running->input.erase(0, count);
    return count;
}

hv::Result<uint64_t, hv::abi::Errno> hv::hyperlaunch::handle_launch_op(domain::Vcpu& caller,
                                                                       uint64_t cmd,
                                                                       GuestVaddr argument) {
    if (!caller.domain->is_builder) {
        return Err{abi::Errno::XEN_EPERM};
    }
    return cmd + argument.value();
}

hv::Result<void, hv::abi::Errno> hv::hyperlaunch::start_held(DomainId id) {
    given_orders.push_back("start " + std::to_string(id.value()));
    return Ok{};
}

hv::Result<void, hv::abi::Errno> hv::hyperlaunch::stop(const domain::Domain& caller, DomainId id) {
    if (caller.id == id) {
        return Err{abi::Errno::XEN_EINVAL};
    }
    given_orders.push_back("stop " + std::to_string(id.value()));
    return Ok{};
}
