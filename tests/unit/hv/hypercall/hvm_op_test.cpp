// SPDX-License-Identifier: Apache-2.0
#include "hv/abi/xen_hvm.hpp"
#include "hv/event/pending.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

namespace {

using hv::abi::Errno;
using hv::abi::HvmParam;
using hv::abi::Hypercall;
using Hvm = hv::abi::HvmOp;
namespace abi = hv::abi;

constexpr uint64_t vector(uint64_t n) {
    return abi::HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | n;
}

class HvmOp : public HypercallTest {
  protected:
    static int64_t hvm_op(Guest& caller, Hvm op, uint64_t argument) {
        return caller.call(Hypercall::hvm_op, static_cast<uint64_t>(op), argument);
    }
    static int64_t set(Guest& caller, uint16_t dom, HvmParam param, uint64_t value) {
        abi::HvmParamArgs args{};
        args.domid = dom;
        args.index = static_cast<uint32_t>(param);
        args.value = value;
        return hvm_op(caller, Hvm::HVMOP_set_param, caller.put(args));
    }
    // The value, or an errno.
    static int64_t get(Guest& caller, uint16_t dom, HvmParam param) {
        abi::HvmParamArgs args{};
        args.domid = dom;
        args.index = static_cast<uint32_t>(param);
        const uint64_t at = caller.put(args);
        const int64_t result = hvm_op(caller, Hvm::HVMOP_get_param, at);
        return result == 0 ? static_cast<int64_t>(caller.get<abi::HvmParamArgs>(at).value) : result;
    }
    static constexpr uint16_t self = abi::DOMID_SELF;
};

TEST_F(HvmOp, guest_reads_its_console_and_store) {
    domain.domain().hvm_params[17] = 0xfefff;
    domain.domain().hvm_params[18] = 2;
    EXPECT_EQ(get(guest, self, HvmParam::HVM_PARAM_CONSOLE_PFN), 0xfefff);
    EXPECT_EQ(get(guest, 1, HvmParam::HVM_PARAM_CONSOLE_EVTCHN), 2);
    EXPECT_EQ(get(guest, self, HvmParam::HVM_PARAM_STORE_PFN), 0);
    EXPECT_EQ(get(guest, self, HvmParam::HVM_PARAM_STORE_EVTCHN), 0);
}

TEST_F(HvmOp, guest_reads_and_writes_nothing_of_the_toolstacks) {
    EXPECT_EQ(get(guest, self, HvmParam::HVM_PARAM_IOREQ_PFN), minus(Errno::XEN_EPERM));
    EXPECT_EQ(get(guest, self, HvmParam::HVM_PARAM_IDENT_PT), minus(Errno::XEN_EPERM));
    EXPECT_EQ(set(guest, self, HvmParam::HVM_PARAM_CONSOLE_PFN, 5), minus(Errno::XEN_EPERM));
    EXPECT_EQ(set(guest, self, HvmParam::HVM_PARAM_STORE_EVTCHN, 5), minus(Errno::XEN_EPERM));
    EXPECT_EQ(domain.domain().hvm_params[17], 0U);
}

TEST_F(HvmOp, index_is_checked) {
    for (const uint32_t index : {39U, ~0U}) {
        EXPECT_EQ(get(guest, self, static_cast<HvmParam>(index)), minus(Errno::XEN_EINVAL));
        EXPECT_EQ(set(guest, self, static_cast<HvmParam>(index), 1), minus(Errno::XEN_EINVAL));
    }
    EXPECT_EQ(get(guest, self, static_cast<HvmParam>(38)), minus(Errno::XEN_EPERM));
}

TEST_F(HvmOp, callback_vector_is_set_and_cleared) {
    EXPECT_EQ(set(guest, self, HvmParam::HVM_PARAM_CALLBACK_IRQ, vector(0xf3)), 0);
    EXPECT_EQ(hv::event::callback_vector(domain.domain()), 0xf3);
    EXPECT_EQ(set(guest, self, HvmParam::HVM_PARAM_CALLBACK_IRQ, 0), 0);
    EXPECT_EQ(hv::event::callback_vector(domain.domain()), std::nullopt);
}

TEST_F(HvmOp, callbacks_that_need_legacy_hardware_or_an_exceptions_vector_are_refused) {
    for (const uint64_t via : {9UL, 1UL << 56 | 5, 3UL << 56 | 0xf3, vector(15), vector(0)}) {
        EXPECT_EQ(set(guest, self, HvmParam::HVM_PARAM_CALLBACK_IRQ, via),
                  minus(Errno::XEN_EINVAL));
    }
    EXPECT_EQ(set(guest, self, HvmParam::HVM_PARAM_CALLBACK_IRQ, vector(16)), 0);
}

TEST_F(HvmOp, events_that_waited_for_a_callback_are_delivered) {
    domain.domain().shared_info->vcpu_info[1].evtchn_upcall_pending = 1;
    EXPECT_EQ(set(guest, self, HvmParam::HVM_PARAM_CALLBACK_IRQ, vector(0xf3)), 0);
    EXPECT_TRUE(machine.sched.is_woken(domain.vcpu(1)));
    EXPECT_FALSE(machine.sched.is_woken(domain.vcpu(0)));
}

TEST_F(HvmOp, builder_sets_parameters_until_construction_ends) {
    other.domain().state = hv::domain::State::UnderConstruction;
    EXPECT_EQ(set(builder, 2, HvmParam::HVM_PARAM_CONSOLE_PFN, 0xfefff), 0);
    EXPECT_EQ(get(builder, 2, HvmParam::HVM_PARAM_CONSOLE_PFN), 0xfefff);
    EXPECT_EQ(set(builder, 2, HvmParam::HVM_PARAM_IOREQ_PFN, 1), minus(Errno::XEN_EPERM));
    other.domain().state = hv::domain::State::Built;
    EXPECT_EQ(set(builder, 2, HvmParam::HVM_PARAM_CONSOLE_PFN, 1), minus(Errno::XEN_EPERM));
    EXPECT_EQ(get(builder, 2, HvmParam::HVM_PARAM_CONSOLE_PFN), minus(Errno::XEN_EPERM));
    EXPECT_EQ(other.domain().hvm_params[17], 0xfefffU);
}

TEST_F(HvmOp, guests_reach_no_other_domain) {
    other.domain().state = hv::domain::State::UnderConstruction;
    EXPECT_EQ(get(guest, 2, HvmParam::HVM_PARAM_CONSOLE_PFN), minus(Errno::XEN_EPERM));
    EXPECT_EQ(set(guest, 2, HvmParam::HVM_PARAM_CALLBACK_IRQ, 0), minus(Errno::XEN_EPERM));
    EXPECT_EQ(get(guest, 99, HvmParam::HVM_PARAM_CONSOLE_PFN), minus(Errno::XEN_ESRCH));
}

TEST_F(HvmOp, get_time_is_system_time) {
    machine.sched.now_ns = 123456789;
    const uint64_t at = guest.put(abi::HvmGetTime{});
    EXPECT_EQ(hvm_op(guest, Hvm::HVMOP_get_time, at), 0);
    EXPECT_EQ(guest.get<abi::HvmGetTime>(at).now, 123456789U);
}

TEST_F(HvmOp, rest_is_not_offered) {
    for (const Hvm op : {Hvm::HVMOP_pagetable_dying, Hvm::HVMOP_set_evtchn_upcall_vector,
                         Hvm::HVMOP_flush_tlbs, Hvm::HVMOP_get_mem_type, static_cast<Hvm>(99)}) {
        EXPECT_EQ(hvm_op(guest, op, Guest::first_argument), minus(Errno::XEN_ENOSYS));
    }
}

TEST_F(HvmOp, arguments_that_are_not_there_are_a_fault) {
    for (const Hvm op : {Hvm::HVMOP_set_param, Hvm::HVMOP_get_param, Hvm::HVMOP_get_time}) {
        EXPECT_EQ(hvm_op(guest, op, Guest::not_mapped), minus(Errno::XEN_EFAULT));
    }
}

}  // namespace
