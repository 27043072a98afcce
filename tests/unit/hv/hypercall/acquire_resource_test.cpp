// SPDX-License-Identifier: Apache-2.0
// XENMEM_acquire_resource: who may ask for what, and where it appears, in a translated domain and
// in a PV domain. No role of a manifest gives the right yet; here the caller has it.
#include "hv/abi/xen_memory.hpp"
#include "hv/abi/xen_pv.hpp"
#include "hv/grant/mapping.hpp"
#include "tests/unit/hv/hypercall/pv_memory_fixture.hpp"

namespace {

using hv::Gfn;
using hv::abi::Errno;
using hv::abi::Hypercall;
using Op = hv::abi::MemoryOp;
using Resource = hv::abi::MemoryResource;
namespace abi = hv::abi;

constexpr uint64_t window = 0x200;

template <class Base>
class Acquiring : public Base {
  protected:
    Acquiring() { this->domain.domain().roles.add(launch::Role::Control); }

    static abi::MemAcquireResource request(uint64_t list, uint32_t count, uint64_t frame = 0) {
        return {.domid = 2,
                .type = static_cast<uint16_t>(Resource::XENMEM_resource_grant_table),
                .id = abi::XENMEM_resource_grant_table_id_shared,
                .nr_frames = count,
                .pad = 0,
                .frame = frame,
                .frame_list = list};
    }
    int64_t acquire(const abi::MemAcquireResource& args, uint64_t done = 0) {
        return acquire_at(this->guest.put(args), done);
    }
    int64_t acquire_at(uint64_t args, uint64_t done = 0) {
        return this->guest.call(Hypercall::memory_op,
                                static_cast<uint64_t>(Op::XENMEM_acquire_resource) | done << 6,
                                args);
    }
    hv::Mfn frame_of_other(uint64_t n) { return *this->other.domain().grants->frame(n); }
};
using AcquireResource = Acquiring<HypercallTest>;
using PvAcquireResource = Acquiring<PvMemoryTest>;

TEST_F(AcquireResource, size_is_the_largest_table_there_can_be) {
    const uint64_t at = guest.put(request(0, 0));
    EXPECT_EQ(acquire_at(at), 0);
    EXPECT_EQ(guest.get<abi::MemAcquireResource>(at).nr_frames, FakeDomain::grant_frames);
    EXPECT_EQ(other.domain().grants->frame_count(), 1U);  // it has not grown
    EXPECT_EQ(acquire(request(0, 1)), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(acquire_at(at, 1), minus(Errno::XEN_EINVAL));
}

TEST_F(AcquireResource, frames_appear_where_the_caller_wants_them) {
    const uint64_t list = guest.put(std::array<uint64_t, 2>{window, 5});
    const hv::Mfn ram = domain.mfn(Gfn{5});
    machine.on_flush = [&](hv::domain::Domain&) {
        EXPECT_EQ(hv::mm::machine_frames.get(ram).use, hv::mm::FrameUse::Guest);
    };
    EXPECT_EQ(acquire(request(list, 2)), 0);
    EXPECT_EQ(domain.mfn(Gfn{window}), frame_of_other(0));
    EXPECT_EQ(domain.mfn(Gfn{5}), frame_of_other(1));
    EXPECT_EQ(domain.mapping(Gfn{5})->access, hv::mm::Access::ReadWrite);
    EXPECT_EQ(other.domain().grants->frame_count(), 2U);
    // What was there is set aside, as under any other shared page.
    EXPECT_EQ(hv::mm::machine_frames.get(ram).use, hv::mm::FrameUse::SetAside);
    EXPECT_EQ(domain.domain().set_aside_count, 1U);
}

TEST_F(AcquireResource, a_grant_written_there_is_the_owners) {
    const uint64_t list = guest.put(window);
    ASSERT_EQ(acquire(request(list, 1)), 0);
    domain.at<abi::GrantEntryV1>((window << hv::page_shift) + 3 * sizeof(abi::GrantEntryV1)) = {
        .flags = abi::GTF_permit_access, .domid = 7, .frame = 9};
    EXPECT_EQ(other.grant(3).domid, 7U);
    // And it goes as any shared page does.
    const uint64_t at = guest.put(abi::RemoveFromPhysmap{abi::DOMID_SELF, {}, window});
    EXPECT_EQ(
        guest.call(Hypercall::memory_op, static_cast<uint64_t>(Op::XENMEM_remove_from_physmap), at),
        0);
    EXPECT_FALSE(domain.mapping(Gfn{window}));
}

TEST_F(AcquireResource, part_of_the_table) {
    const uint64_t list = guest.put(window);
    EXPECT_EQ(acquire(request(list, 1, 1)), 0);
    EXPECT_EQ(domain.mfn(Gfn{window}), frame_of_other(1));
    for (const auto& args :
         {request(list, 1, 2), request(list, 2, 1), request(list, 3), request(list, 1, 1UL << 32),
          request(list, 1, ~0UL), request(list, ~0U, 0xffffffff), request(list, ~0U)}) {
        EXPECT_EQ(acquire(args), minus(Errno::XEN_EINVAL));
    }
}

TEST_F(AcquireResource, other_kinds_are_not_there) {
    const uint64_t list = guest.put(window);
    auto status = request(list, 1);
    status.id = abi::XENMEM_resource_grant_table_id_status;
    EXPECT_EQ(acquire(status), minus(Errno::XEN_EINVAL));
    auto unknown = request(list, 1);
    unknown.id = 2;
    EXPECT_EQ(acquire(unknown), minus(Errno::XEN_EINVAL));
    for (const uint16_t type : std::to_array<uint16_t>({0, 2, 3, 0xffff})) {
        for (auto args : {request(list, 1), request(0, 0)}) {
            args.type = type;
            EXPECT_EQ(acquire(args), minus(Errno::XEN_EINVAL));
        }
    }
    auto padded = request(list, 1);
    padded.pad = 1;
    EXPECT_EQ(acquire(padded), minus(Errno::XEN_EINVAL));
    builder_domain.domain().grants = nullptr;
    auto without_grants = request(list, 1);
    without_grants.domid = builder_domain.id().value();
    EXPECT_EQ(acquire(without_grants), minus(Errno::XEN_EINVAL));
    EXPECT_FALSE(domain.mapping(Gfn{window}));
}

TEST_F(AcquireResource, is_for_whom_controls_the_domain) {
    const uint64_t list = guest.put(window);
    auto args = request(list, 1);
    args.domid = 99;
    EXPECT_EQ(acquire(args), minus(Errno::XEN_ESRCH));
    args.domid = abi::DOMID_SELF;
    EXPECT_EQ(acquire(args), minus(Errno::XEN_ESRCH));
    args.domid = 1;
    EXPECT_EQ(acquire(args), minus(Errno::XEN_EPERM));

    domain.domain().roles = {};
    for (const launch::Role role : launch::all_roles) {
        if (role != launch::Role::Control) {
            domain.domain().roles.add(role);
        }
    }
    EXPECT_EQ(acquire(request(list, 1)), minus(Errno::XEN_EPERM));
    EXPECT_EQ(acquire(request(0, 0)), minus(Errno::XEN_EPERM));
    const uint64_t of_builder = builder.put(request(builder.put(window), 1));
    EXPECT_EQ(builder.call(Hypercall::memory_op, static_cast<uint64_t>(Op::XENMEM_acquire_resource),
                           of_builder),
              minus(Errno::XEN_EPERM));

    domain.domain().roles.add(launch::Role::Control);
    other.domain().is_dying = true;
    EXPECT_EQ(acquire(request(list, 1)), minus(Errno::XEN_ESRCH));
    EXPECT_FALSE(domain.mapping(Gfn{window}));
}

TEST_F(AcquireResource, bad_pointers_and_places) {
    EXPECT_EQ(acquire_at(Guest::not_mapped), minus(Errno::XEN_EFAULT));
    EXPECT_EQ(acquire(request(Guest::not_mapped, 1)), minus(Errno::XEN_EFAULT));
    EXPECT_EQ(acquire(request(~0UL, 1)), minus(Errno::XEN_EFAULT));
    // The second element is beyond RAM.
    constexpr uint64_t last = FakeDomain::ram_pages * hv::page_size - sizeof(uint64_t);
    domain.at<uint64_t>(last) = window;
    EXPECT_EQ(acquire(request(last, 2)), minus(Errno::XEN_EFAULT));

    const hv::Mfn device = machine.take_frames(1, hv::mm::FrameUse::Absent);
    ASSERT_TRUE(domain.domain().p2m.map_device(Gfn{0x300}, device, 1).ok());
    for (const uint64_t bad : {hv::mm::P2m::gfn_limit, ~0UL, 0x300UL}) {
        EXPECT_EQ(acquire(request(guest.put(bad), 1)), minus(Errno::XEN_EINVAL));
        // What comes after something that is done is another error, as on Xen.
        const uint64_t list = guest.put(std::array<uint64_t, 2>{window, bad});
        EXPECT_EQ(acquire(request(list, 2)), minus(Errno::XEN_EIO));
    }
    EXPECT_EQ(domain.mfn(Gfn{0x300}), device);

    // The query's answer cannot be written.
    constexpr uint64_t read_only = 0x400;
    ASSERT_TRUE(domain.domain()
                    .p2m.map(Gfn{read_only}, domain.mfn(Gfn{7}), 1, hv::mm::Access::ReadOnly)
                    .ok());
    domain.at<abi::MemAcquireResource>(7 << hv::page_shift) = request(0, 0);
    EXPECT_EQ(acquire_at(read_only << hv::page_shift), minus(Errno::XEN_EFAULT));
}

TEST_F(AcquireResource, made_up_continuations) {
    const uint64_t list = guest.put(std::array<uint64_t, 2>{window, window + 1});
    EXPECT_EQ(acquire(request(list, 2), 1), 0);
    EXPECT_FALSE(domain.mapping(Gfn{window}));
    EXPECT_EQ(domain.mfn(Gfn{window + 1}), frame_of_other(1));
    EXPECT_EQ(acquire(request(list, 2), 2), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(acquire(request(list, 2), ~0UL >> 6), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(acquire(request(list, 0), 0), minus(Errno::XEN_EINVAL));
}

TEST_F(AcquireResource, large_tables_come_in_bounded_parts) {
    constexpr uint32_t frames = 100;
    std::vector<hv::grant::ActiveGrant> active(size_t{frames} * hv::grant::entries_per_frame);
    std::vector<hv::grant::Mapping> mappings(1);
    hv::grant::GrantTable large;
    large.init({.first_frame = machine.take_frames(frames, hv::mm::FrameUse::Hypervisor),
                .frame_count = frames,
                .substitute = {},
                .active = active,
                .mappings = mappings});
    hv::grant::GrantTable* const small = other.domain().grants;
    other.domain().grants = &large;
    std::array<uint64_t, frames> places{};
    for (uint64_t n = 0; n < frames; ++n) {
        places[n] = window + n;
    }
    EXPECT_EQ(acquire(request(guest.put(places), frames)), 0);
    EXPECT_EQ(guest.rounds(), 4U);
    EXPECT_EQ(domain.mfn(Gfn{window + 99}), *large.frame(99));
    other.domain().grants = small;
}

TEST_F(PvAcquireResource, names_are_told_and_stay) {
    const uint64_t list = guest.put(std::array<uint64_t, 2>{77, 78});
    ASSERT_EQ(acquire(request(list, 2)), 0);
    const auto names = guest.get<std::array<uint64_t, 2>>(list);
    EXPECT_GE(names[0], abi::pv_foreign_gfn);
    EXPECT_LT(names[0], abi::pv_foreign_gfn_end);
    EXPECT_EQ(domain.mfn(Gfn{names[0]}), frame_of_other(0));
    EXPECT_EQ(domain.mfn(Gfn{names[1]}), frame_of_other(1));
    // Asked for again it is the same, so that nobody runs out of handles.
    for (unsigned n = 0; n < 2 * FakeDomain::max_mappings; ++n) {
        const uint64_t again = guest.put(uint64_t{0});
        ASSERT_EQ(acquire(request(again, 1, 1)), 0);
        EXPECT_EQ(guest.get<uint64_t>(again), names[1]);
    }
    // It is no grant: nobody gives it back as one.
    const auto handle = static_cast<uint32_t>(names[0] - abi::pv_foreign_gfn);
    EXPECT_FALSE(hv::grant::held(domain.domain(), handle));
    hv::grant::release_all(domain.domain());
    EXPECT_EQ(domain.mfn(Gfn{names[0]}), frame_of_other(0));
}

TEST_F(PvAcquireResource, needs_a_handle_and_a_list) {
    for (auto& mapping : domain.domain().grants->mappings()) {
        mapping.state = hv::grant::MappingState::Revoked;
    }
    EXPECT_EQ(acquire(request(guest.put(uint64_t{0}), 1)), minus(Errno::XEN_ENOMEM));
    for (auto& mapping : domain.domain().grants->mappings()) {
        mapping = {};
    }
    EXPECT_EQ(acquire(request(Guest::not_mapped, 1)), minus(Errno::XEN_EFAULT));
    domain.domain().roles = {};
    EXPECT_EQ(acquire(request(guest.put(uint64_t{0}), 1)), minus(Errno::XEN_EPERM));
}

// As Linux does for user space: the frame goes into an entry by an update that names its owner.
TEST_F(PvAcquireResource, names_can_be_mapped_as_frames_of_their_owner) {
    const uint64_t list = guest.put(uint64_t{0});
    ASSERT_EQ(acquire(request(list, 1)), 0);
    const uint64_t name = guest.get<uint64_t>(list);
    constexpr uint64_t present = 1;
    const auto update = [&](uint64_t command, uint64_t entry, uint16_t owner) {
        const uint64_t at = guest.put(abi::MmuUpdate{.ptr = address(11) | command, .val = entry});
        guest.vcpu().registers.r10 = owner;
        return guest.call(Hypercall::mmu_update, at, 1);
    };
    EXPECT_EQ(update(0, address(name) | present, 2), 0);
    EXPECT_EQ(domain.at<uint64_t>(address(11)), address(name) | present);
    EXPECT_EQ(update(0, 0, 2), 0);
    // The caller's own frame is not that domain's, and neither is what another one owns.
    machine.add_domain(3);
    EXPECT_EQ(update(0, address(5) | present, 2), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(update(2, address(5) | present, 2), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(update(0, address(name) | present, 3), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(update(1, 5, 2), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(update(0, 0, 99), minus(Errno::XEN_ESRCH));
    domain.domain().roles = {};
    EXPECT_EQ(update(0, address(name) | present, 2), minus(Errno::XEN_EPERM));
    EXPECT_EQ(domain.at<uint64_t>(address(11)), 0U);
}

}  // namespace
