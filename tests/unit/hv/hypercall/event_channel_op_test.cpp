// SPDX-License-Identifier: Apache-2.0
// Arguments and errors of event_channel_op; the channels themselves are tested with hv/event.
#include "hv/abi/xen_event_channel.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

namespace {

using hv::abi::Errno;
using hv::abi::Hypercall;
using Op = hv::abi::EventChannelOp;
namespace abi = hv::abi;

class EventChannelOp : public HypercallTest {
  protected:
    static int64_t op(Guest& caller, Op cmd, uint64_t argument) {
        return caller.call(Hypercall::event_channel_op, static_cast<uint64_t>(cmd), argument);
    }
    template <class T>
    int64_t op(Guest& caller, Op cmd, T& args) {
        const uint64_t at = caller.put(args);
        const int64_t result = op(caller, cmd, at);
        args = caller.get<T>(at);
        return result;
    }
    Guest peer{other};
};

TEST_F(EventChannelOp, two_domains_connect_and_send) {
    abi::EvtchnAllocUnbound alloc{.dom = abi::DOMID_SELF, .remote_dom = 2, .port = 0};
    ASSERT_EQ(op(guest, Op::EVTCHNOP_alloc_unbound, alloc), 0);
    abi::EvtchnBindInterdomain bind{};
    bind.remote_dom = 1;
    bind.remote_port = alloc.port;
    ASSERT_EQ(op(peer, Op::EVTCHNOP_bind_interdomain, bind), 0);

    abi::EvtchnSend send{bind.local_port};
    ASSERT_EQ(op(peer, Op::EVTCHNOP_send, send), 0);
    EXPECT_EQ(domain.domain().shared_info->evtchn_pending[0], 1U << alloc.port);

    abi::EvtchnStatus status{};
    status.dom = abi::DOMID_SELF;
    status.port = alloc.port;
    ASSERT_EQ(op(guest, Op::EVTCHNOP_status, status), 0);
    EXPECT_EQ(status.status, 2U);
    EXPECT_EQ(status.u.interdomain.dom, 2);
    EXPECT_EQ(status.u.interdomain.port, bind.local_port);
}

TEST_F(EventChannelOp, own_id_works_like_self) {
    abi::EvtchnAllocUnbound alloc{.dom = 1, .remote_dom = abi::DOMID_SELF, .port = 0};
    ASSERT_EQ(op(guest, Op::EVTCHNOP_alloc_unbound, alloc), 0);
    abi::EvtchnStatus status{};
    status.dom = 1;
    status.port = alloc.port;
    ASSERT_EQ(op(guest, Op::EVTCHNOP_status, status), 0);
    EXPECT_EQ(status.status, 1U);
    EXPECT_EQ(status.u.unbound.dom, 1);  // DOMID_SELF has become the domain's id
    abi::EvtchnBindInterdomain bind{};
    bind.remote_dom = abi::DOMID_SELF;
    bind.remote_port = alloc.port;
    EXPECT_EQ(op(guest, Op::EVTCHNOP_bind_interdomain, bind), 0);
}

TEST_F(EventChannelOp, ports_of_other_domains_are_their_business) {
    abi::EvtchnAllocUnbound alloc{.dom = 2, .remote_dom = 1, .port = 0};
    EXPECT_EQ(op(guest, Op::EVTCHNOP_alloc_unbound, alloc), minus(Errno::XEN_EPERM));
    alloc.dom = 99;
    EXPECT_EQ(op(guest, Op::EVTCHNOP_alloc_unbound, alloc), minus(Errno::XEN_ESRCH));
    abi::EvtchnStatus status{};
    status.dom = 2;
    status.port = 1;
    EXPECT_EQ(op(guest, Op::EVTCHNOP_status, status), minus(Errno::XEN_EPERM));
    abi::EvtchnReset reset{2};
    EXPECT_EQ(op(guest, Op::EVTCHNOP_reset, reset), minus(Errno::XEN_EPERM));
}

TEST_F(EventChannelOp, errors_become_xens) {
    abi::EvtchnBindInterdomain bind{};
    bind.remote_dom = 99;
    EXPECT_EQ(op(guest, Op::EVTCHNOP_bind_interdomain, bind), minus(Errno::XEN_ESRCH));
    bind.remote_dom = 2;
    bind.remote_port = 1;
    EXPECT_EQ(op(guest, Op::EVTCHNOP_bind_interdomain, bind), minus(Errno::XEN_EINVAL));
    other.domain().is_dying = true;
    EXPECT_EQ(op(guest, Op::EVTCHNOP_bind_interdomain, bind), minus(Errno::XEN_ESRCH));

    abi::EvtchnBindVirq virq{.virq = 24, .vcpu = 0, .port = 0};
    EXPECT_EQ(op(guest, Op::EVTCHNOP_bind_virq, virq), minus(Errno::XEN_EINVAL));
    virq = {.virq = 0, .vcpu = 9, .port = 0};
    EXPECT_EQ(op(guest, Op::EVTCHNOP_bind_virq, virq), minus(Errno::XEN_ENOENT));
    virq.vcpu = 1;
    EXPECT_EQ(op(guest, Op::EVTCHNOP_bind_virq, virq), 0);
    EXPECT_EQ(op(guest, Op::EVTCHNOP_bind_virq, virq), minus(Errno::XEN_EEXIST));

    abi::EvtchnBindIpi ipi{};
    int64_t last = 0;
    for (uint32_t n = 0; n <= FakeDomain::port_count && last == 0; ++n) {
        last = op(guest, Op::EVTCHNOP_bind_ipi, ipi);
    }
    EXPECT_EQ(last, minus(Errno::XEN_ENOSPC));
    abi::EvtchnClose close{500};
    EXPECT_EQ(op(guest, Op::EVTCHNOP_close, close), minus(Errno::XEN_EINVAL));
}

TEST_F(EventChannelOp, reset_closes_everything) {
    abi::EvtchnBindIpi ipi{};
    ASSERT_EQ(op(guest, Op::EVTCHNOP_bind_ipi, ipi), 0);
    abi::EvtchnReset reset{abi::DOMID_SELF};
    ASSERT_EQ(op(guest, Op::EVTCHNOP_reset, reset), 0);
    abi::EvtchnSend send{ipi.port};
    EXPECT_EQ(op(guest, Op::EVTCHNOP_send, send), minus(Errno::XEN_EINVAL));
}

TEST_F(EventChannelOp, masks_and_moves) {
    abi::EvtchnBindVirq virq{.virq = 3, .vcpu = 0, .port = 0};
    ASSERT_EQ(op(guest, Op::EVTCHNOP_bind_virq, virq), 0);
    abi::EvtchnBindVcpu move{virq.port, 1};
    EXPECT_EQ(op(guest, Op::EVTCHNOP_bind_vcpu, move), 0);
    abi::SharedInfo& info = *domain.domain().shared_info;
    info.evtchn_mask[0] = ~uint64_t{0};
    hv::event::send_global_virq(domain.domain(), abi::Virq::VIRQ_DOM_EXC);
    EXPECT_EQ(info.vcpu_info[1].evtchn_upcall_pending, 0);
    abi::EvtchnUnmask unmask{virq.port};
    EXPECT_EQ(op(guest, Op::EVTCHNOP_unmask, unmask), 0);
    EXPECT_EQ(info.vcpu_info[1].evtchn_upcall_pending, 1);
}

TEST_F(EventChannelOp, fifo_and_pirqs_are_not_offered) {
    for (const Op cmd : {Op::EVTCHNOP_init_control, Op::EVTCHNOP_expand_array,
                         Op::EVTCHNOP_set_priority, Op::EVTCHNOP_bind_pirq, static_cast<Op>(14)}) {
        EXPECT_EQ(op(guest, cmd, Guest::first_argument), minus(Errno::XEN_ENOSYS));
    }
}

TEST_F(EventChannelOp, arguments_that_are_not_there_are_a_fault) {
    for (const Op cmd :
         {Op::EVTCHNOP_alloc_unbound, Op::EVTCHNOP_bind_interdomain, Op::EVTCHNOP_bind_virq,
          Op::EVTCHNOP_bind_ipi, Op::EVTCHNOP_status, Op::EVTCHNOP_close, Op::EVTCHNOP_send,
          Op::EVTCHNOP_unmask, Op::EVTCHNOP_bind_vcpu, Op::EVTCHNOP_reset}) {
        EXPECT_EQ(op(guest, cmd, Guest::not_mapped), minus(Errno::XEN_EFAULT));
        EXPECT_EQ(op(guest, cmd, ~0UL), minus(Errno::XEN_EFAULT));
    }
}

}  // namespace
