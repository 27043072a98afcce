// SPDX-License-Identifier: Apache-2.0
#include "hv/pv/roots.hpp"

#include "hv/pv/area.hpp"
#include "hv/pv/page_tables.hpp"
#include "hv/pv/pv.hpp"
#include "hv/svm/vmcb.hpp"

namespace hv::pv {

void set_kernel_root(domain::Vcpu& v, uint64_t root) {
    put(v.pv->data, STUB_KERNEL_ROOT, root);
    v.vmcb->save().cr3 = root;
    v.vmcb->changed(svm::Clean::ControlRegisters);
    v.tlb_generation = 0;  // flush on the next entry
}

void set_user_root(domain::Vcpu& v, uint64_t root, GuestVaddr code) {
    put(v.pv->data, STUB_USER_ROOT, root);
    if (v.pv->tables != UserTables::Undecided || root == 0) {
        return;
    }
    const bool is_separate = !is_for_kernel_only(v, code);
    v.pv->tables = is_separate ? UserTables::Separate : UserTables::Kernels;
    put(v.pv->data, STUB_DECIDED, uint8_t{1});
    put(v.pv->data, STUB_SEPARATE, uint8_t{is_separate});
    if (is_separate) {
        put(v.pv->data, STUB_RSP0, stub_address(v, STUB_ENTRY_STACK_TOP));
    }
}

void set_kernel_stack(domain::Vcpu& v, uint64_t rsp) {
    put(v.pv->data, STUB_KERNEL_RSP, rsp);
    if (v.pv->tables != UserTables::Separate) {
        put(v.pv->data, STUB_RSP0, rsp);
    }
}

}  // namespace hv::pv
