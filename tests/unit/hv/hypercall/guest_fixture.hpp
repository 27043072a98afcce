// SPDX-License-Identifier: Apache-2.0
// A guest that makes hypercalls as a kernel does: arguments in its memory, numbers in registers,
// called again as long as the hypervisor says so. And a builder beside it.
#pragma once

#include "hv/abi/xen_errno.hpp"
#include "hv/abi/xen_hypercall.hpp"
#include "hv/dev/uart_sender.hpp"
#include "hv/hypercall/dispatch.hpp"
#include "tests/fake/fake_machine.hpp"

#include <array>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

constexpr int64_t minus(hv::abi::Errno error) {
    return -static_cast<int64_t>(error);
}

// One vCPU of a domain, seen from inside.
class Guest {
  public:
    // Arguments go into the last pages of RAM.
    static constexpr uint64_t first_argument = (FakeDomain::ram_pages - 8) << hv::page_shift;
    static constexpr uint64_t not_mapped = uint64_t{1} << 38;

    explicit Guest(FakeDomain& domain, size_t vcpu = 0)
        : domain_{domain}, vcpu_{domain.vcpu(vcpu)} {}

    int64_t call(hv::abi::Hypercall number, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0);

    // Copies a value into guest memory, never across a page; its address.
    template <class T>
    uint64_t put(const T& value) {
        if (hv::page_offset(next_) + sizeof(T) > hv::page_size) {
            next_ = hv::align_up(next_, hv::page_size);
        }
        const uint64_t at = next_;
        next_ = hv::align_up(next_ + sizeof(T), 8);
        domain_.at<T>(at) = value;
        return at;
    }
    template <class T>
    T get(uint64_t address) {
        return domain_.at<T>(address);
    }

    hv::domain::Vcpu& vcpu() { return vcpu_; }
    // How often the last call had to be made.
    [[nodiscard]] unsigned rounds() const { return rounds_; }

  private:
    FakeDomain& domain_;
    hv::domain::Vcpu& vcpu_;
    uint64_t next_ = first_argument;
    unsigned rounds_ = 0;
};

class HypercallTest : public testing::Test {
  public:
    // What went to the host.
    using ChannelName = std::pair<uint16_t, uint8_t>;  // domain id, channel
    std::map<uint16_t, std::string> console;           // text by domain id
    unsigned console_refusals = 0;                     // for want of room, before it takes text
    hv::dev::UartSender console_sender{};              // of what came last
    std::map<ChannelName, std::string> channels;       // text beside that
    std::map<ChannelName, size_t> room;                // told to the host
    std::string input;                                 // that the host sent

  protected:
    HypercallTest();
    ~HypercallTest() override;

    FakeMachine machine;
    FakeDomain& domain = machine.add_domain(1);
    FakeDomain& other = machine.add_domain(2);
    FakeDomain& builder_domain = machine.add_domain(0x7fe0);
    Guest guest{domain};
    Guest builder{builder_domain};

    // What the launcher has asked the launch for.
    std::vector<std::string>& orders;
};
