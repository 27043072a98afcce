// SPDX-License-Identifier: Apache-2.0
// Arguments and errors of event_channel_op; the channels themselves are tested with hv/event.
#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_memory.hpp"
#include "hv/pv/pv.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

namespace {

using hv::abi::Errno;
using hv::abi::Hypercall;
using Evtchn = hv::abi::EventChannelOp;
namespace abi = hv::abi;

class EventChannelOp : public HypercallTest {
  protected:
    static int64_t op(Guest& caller, Evtchn cmd, uint64_t argument) {
        return caller.call(Hypercall::event_channel_op, static_cast<uint64_t>(cmd), argument);
    }
    template <class T>
    int64_t op(Guest& caller, Evtchn cmd, T& args) {
        const uint64_t at = caller.put(args);
        const int64_t result = op(caller, cmd, at);
        args = caller.get<T>(at);
        return result;
    }
    Guest peer{other};
};

TEST_F(EventChannelOp, two_domains_connect_and_send) {
    abi::EvtchnAllocUnbound alloc{.dom = abi::DOMID_SELF, .remote_dom = 2, .port = 0};
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_alloc_unbound, alloc), 0);
    abi::EvtchnBindInterdomain bind{};
    bind.remote_dom = 1;
    bind.remote_port = alloc.port;
    ASSERT_EQ(op(peer, Evtchn::EVTCHNOP_bind_interdomain, bind), 0);

    abi::EvtchnSend send{bind.local_port};
    ASSERT_EQ(op(peer, Evtchn::EVTCHNOP_send, send), 0);
    EXPECT_EQ(domain.domain().shared_info->evtchn_pending[0], 1U << alloc.port);

    abi::EvtchnStatus status{};
    status.dom = abi::DOMID_SELF;
    status.port = alloc.port;
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_status, status), 0);
    EXPECT_EQ(status.status, 2U);
    EXPECT_EQ(status.u.interdomain.dom, 2);
    EXPECT_EQ(status.u.interdomain.port, bind.local_port);
}

TEST_F(EventChannelOp, own_id_works_like_self) {
    abi::EvtchnAllocUnbound alloc{.dom = 1, .remote_dom = abi::DOMID_SELF, .port = 0};
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_alloc_unbound, alloc), 0);
    abi::EvtchnStatus status{};
    status.dom = 1;
    status.port = alloc.port;
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_status, status), 0);
    EXPECT_EQ(status.status, 1U);
    EXPECT_EQ(status.u.unbound.dom, 1);  // DOMID_SELF has become the domain's id
    abi::EvtchnBindInterdomain bind{};
    bind.remote_dom = abi::DOMID_SELF;
    bind.remote_port = alloc.port;
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_bind_interdomain, bind), 0);
}

TEST_F(EventChannelOp, ports_of_other_domains_are_their_business) {
    abi::EvtchnAllocUnbound alloc{.dom = 2, .remote_dom = 1, .port = 0};
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_alloc_unbound, alloc), minus(Errno::XEN_EPERM));
    alloc.dom = 99;
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_alloc_unbound, alloc), minus(Errno::XEN_ESRCH));
    abi::EvtchnStatus status{};
    status.dom = 2;
    status.port = 1;
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_status, status), minus(Errno::XEN_EPERM));
    abi::EvtchnReset reset{2};
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_reset, reset), minus(Errno::XEN_EPERM));
}

TEST_F(EventChannelOp, errors_become_xens) {
    abi::EvtchnBindInterdomain bind{};
    bind.remote_dom = 99;
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_bind_interdomain, bind), minus(Errno::XEN_ESRCH));
    bind.remote_dom = 2;
    bind.remote_port = 1;
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_bind_interdomain, bind), minus(Errno::XEN_EINVAL));
    other.domain().is_dying = true;
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_bind_interdomain, bind), minus(Errno::XEN_ESRCH));

    abi::EvtchnBindVirq virq{.virq = 24, .vcpu = 0, .port = 0};
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_bind_virq, virq), minus(Errno::XEN_EINVAL));
    virq = {.virq = 0, .vcpu = 9, .port = 0};
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_bind_virq, virq), minus(Errno::XEN_ENOENT));
    virq.vcpu = 1;
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_bind_virq, virq), 0);
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_bind_virq, virq), minus(Errno::XEN_EEXIST));

    abi::EvtchnBindIpi ipi{};
    int64_t last = 0;
    for (uint32_t n = 0; n <= FakeDomain::port_count && last == 0; ++n) {
        last = op(guest, Evtchn::EVTCHNOP_bind_ipi, ipi);
    }
    EXPECT_EQ(last, minus(Errno::XEN_ENOSPC));
    abi::EvtchnClose close{500};
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_close, close), minus(Errno::XEN_EINVAL));
}

TEST_F(EventChannelOp, reset_closes_everything) {
    abi::EvtchnBindIpi ipi{};
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_bind_ipi, ipi), 0);
    abi::EvtchnReset reset{abi::DOMID_SELF};
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_reset, reset), 0);
    abi::EvtchnSend send{ipi.port};
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_send, send), minus(Errno::XEN_EINVAL));
}

TEST_F(EventChannelOp, masks_and_moves) {
    abi::EvtchnBindVirq virq{.virq = 3, .vcpu = 0, .port = 0};
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_bind_virq, virq), 0);
    abi::EvtchnBindVcpu move{virq.port, 1};
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_bind_vcpu, move), 0);
    abi::SharedInfo& info = *domain.domain().shared_info;
    info.evtchn_mask[0] = ~uint64_t{0};
    hv::event::send_global_virq(domain.domain(), abi::Virq::VIRQ_DOM_EXC);
    EXPECT_EQ(info.vcpu_info[1].evtchn_upcall_pending, 0);
    abi::EvtchnUnmask unmask{virq.port};
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_unmask, unmask), 0);
    EXPECT_EQ(info.vcpu_info[1].evtchn_upcall_pending, 1);
}

TEST_F(EventChannelOp, pirqs_are_not_offered) {
    for (const Evtchn cmd : {Evtchn::EVTCHNOP_bind_pirq, static_cast<Evtchn>(14)}) {
        EXPECT_EQ(op(guest, cmd, Guest::first_argument), minus(Errno::XEN_ENOSYS));
    }
}

TEST_F(EventChannelOp, fifo_events_arrive) {
    abi::EvtchnBindIpi ipi{};
    ipi.vcpu = 1;
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_bind_ipi, ipi), 0);
    abi::EvtchnInitControl control{};
    control.control_gfn = 5;
    control.offset = 64;
    control.vcpu = 1;  // not up yet
    control.link_bits = 99;
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_init_control, control), 0);
    EXPECT_EQ(control.link_bits, 17U);
    abi::EvtchnExpandArray array{6};
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_expand_array, array), 0);
    abi::EvtchnSetPriority priority{ipi.port, 2};
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_set_priority, priority), 0);

    abi::EvtchnSend send{ipi.port};
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_send, send), 0);
    const auto& block = domain.at<abi::EvtchnFifoControlBlock>(0x5040);
    EXPECT_EQ(block.ready, 1U << 2);
    EXPECT_EQ(block.head[2], ipi.port);
    EXPECT_EQ(domain.at<uint32_t>(0x6000 + 4 * ipi.port),
              1U << abi::EVTCHN_FIFO_PENDING | 1U << abi::EVTCHN_FIFO_LINKED);
    EXPECT_EQ(domain.domain().shared_info->evtchn_pending[0], 0U);

    abi::EvtchnReset reset{abi::DOMID_SELF};
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_reset, reset), 0);
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_expand_array, array), minus(Errno::XEN_EOPNOTSUPP));
    EXPECT_EQ(machine.foreign_mappings(domain.mfn(hv::Gfn{5})), 0U);
}

TEST_F(EventChannelOp, fifo_errors_are_xens) {
    abi::EvtchnBindIpi ipi{};
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_bind_ipi, ipi), 0);
    abi::EvtchnExpandArray array{6};
    abi::EvtchnSetPriority priority{ipi.port, 7};
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_expand_array, array), minus(Errno::XEN_EOPNOTSUPP));
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_set_priority, priority), minus(Errno::XEN_ENOSYS));

    const auto init = [&](uint64_t gfn, uint32_t offset, uint32_t vcpu) {
        abi::EvtchnInitControl control{};
        control.control_gfn = gfn;
        control.offset = offset;
        control.vcpu = vcpu;
        return op(guest, Evtchn::EVTCHNOP_init_control, control);
    };
    EXPECT_EQ(init(5, 0, 2), minus(Errno::XEN_ENOENT));
    EXPECT_EQ(init(5, 0, ~0U), minus(Errno::XEN_ENOENT));
    EXPECT_EQ(init(5, 4, 0), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(init(5, 4096, 0), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(init(1000, 0, 0), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_expand_array, array), minus(Errno::XEN_EOPNOTSUPP));
    EXPECT_EQ(init(5, 0, 0), 0);
    EXPECT_EQ(init(5, 0, 0), minus(Errno::XEN_EINVAL));

    priority.priority = 16;
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_set_priority, priority), minus(Errno::XEN_EINVAL));
    priority = {0, 7};
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_set_priority, priority), minus(Errno::XEN_EINVAL));
    array.array_gfn = ~uint64_t{0};
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_expand_array, array), minus(Errno::XEN_EINVAL));
    array.array_gfn = 6;
    for (uint32_t n = 0; n < hv::event::Fifo::max_pages; ++n) {
        EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_expand_array, array), 0);
    }
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_expand_array, array), minus(Errno::XEN_ENOSPC));
}

TEST_F(EventChannelOp, page_that_fifo_uses_cannot_be_given_back) {
    abi::EvtchnInitControl control{};
    control.control_gfn = 5;
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_init_control, control), 0);
    abi::RemoveFromPhysmap remove{};
    remove.domid = abi::DOMID_SELF;
    remove.gpfn = 5;
    const auto give_back = [&] {
        return guest.call(Hypercall::memory_op,
                          static_cast<uint64_t>(abi::MemoryOp::XENMEM_remove_from_physmap),
                          guest.put(remove));
    };
    EXPECT_EQ(give_back(), minus(Errno::XEN_EBUSY));
    abi::EvtchnReset reset{abi::DOMID_SELF};
    ASSERT_EQ(op(guest, Evtchn::EVTCHNOP_reset, reset), 0);
    EXPECT_EQ(give_back(), 0);
}

// Own RAM by the p2m, but the hypervisor's tables in the layout of a PV domain.
TEST_F(EventChannelOp, pv_kernel_gives_no_frame_of_the_hypervisors) {
    hv::pv::PvVcpu pv;
    guest.vcpu().pv = &pv;
    const uint64_t name = abi::pv_m2p_gfn;
    ASSERT_TRUE(domain.domain()
                    .p2m.map(hv::Gfn{name}, domain.mfn(hv::Gfn{9}), 1, hv::mm::Access::ReadWrite)
                    .ok());
    abi::EvtchnInitControl control{};
    control.control_gfn = name;
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_init_control, control), minus(Errno::XEN_EINVAL));
    control.control_gfn = 5;
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_init_control, control), 0);
    abi::EvtchnExpandArray array{name};
    EXPECT_EQ(op(guest, Evtchn::EVTCHNOP_expand_array, array), minus(Errno::XEN_EINVAL));
    guest.vcpu().pv = nullptr;
}

TEST_F(EventChannelOp, arguments_that_are_not_there_are_a_fault) {
    for (const Evtchn cmd :
         {Evtchn::EVTCHNOP_alloc_unbound, Evtchn::EVTCHNOP_bind_interdomain,
          Evtchn::EVTCHNOP_bind_virq, Evtchn::EVTCHNOP_bind_ipi, Evtchn::EVTCHNOP_status,
          Evtchn::EVTCHNOP_close, Evtchn::EVTCHNOP_send, Evtchn::EVTCHNOP_unmask,
          Evtchn::EVTCHNOP_bind_vcpu, Evtchn::EVTCHNOP_reset, Evtchn::EVTCHNOP_init_control,
          Evtchn::EVTCHNOP_expand_array, Evtchn::EVTCHNOP_set_priority}) {
        EXPECT_EQ(op(guest, cmd, Guest::not_mapped), minus(Errno::XEN_EFAULT));
        EXPECT_EQ(op(guest, cmd, ~0UL), minus(Errno::XEN_EFAULT));
    }
}

}  // namespace
