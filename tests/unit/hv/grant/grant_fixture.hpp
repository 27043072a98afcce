// SPDX-License-Identifier: Apache-2.0
// Two domains, and the operations of one on grants of the other.
#pragma once

#include "hv/grant/mapping.hpp"
#include "tests/fake/fake_machine.hpp"

#include <gtest/gtest.h>

class TwoDomains : public testing::Test {
  protected:
    static constexpr uint16_t permit = hv::abi::GTF_permit_access;
    static constexpr uint64_t window = 0x100;  // a gfn beyond RAM

    hv::abi::GnttabMapGrantRef map(uint32_t ref, uint64_t gfn, uint32_t flags = 0) {
        hv::abi::GnttabMapGrantRef op{};
        op.host_addr = gfn << hv::page_shift;
        op.flags = hv::abi::GNTMAP_host_map | flags;
        op.ref = ref;
        op.dom = owner.id().value();
        run(op);
        return op;
    }
    void run(hv::abi::GnttabMapGrantRef& op) {
        hv::domain::PhysmapChange change{user.domain()};
        hv::grant::map(change, user.domain(), op);
    }
    static int16_t raw(hv::abi::GrantStatus status) { return static_cast<int16_t>(status); }
    int16_t unmap(uint32_t handle, uint64_t gfn) {
        hv::abi::GnttabUnmapGrantRef op{};
        op.host_addr = gfn << hv::page_shift;
        op.handle = handle;
        hv::grant::Unmapping unmapping{user.domain()};
        unmapping.unmap(op);
        return op.status;
    }
    // Grants a page of the owner to the user.
    void grant(uint32_t ref, uint32_t frame, uint16_t flags = 0) {
        owner.grant(ref) = {static_cast<uint16_t>(permit | flags), user.id().value(), frame};
    }

    FakeMachine machine;
    FakeDomain& owner = machine.add_domain(5);
    FakeDomain& user = machine.add_domain(2);
};
