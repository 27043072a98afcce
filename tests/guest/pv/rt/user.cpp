// SPDX-License-Identifier: Apache-2.0
#include "tests/guest/pv/rt/user.hpp"

#include "hv/abi/xen_pv.hpp"
#include "tests/guest/pv/rt/pages.hpp"

extern "C" {
extern const char user_code[], user_code_end[];
}

namespace pv {

void start_user() {
    const uint64_t code = take_page();
    if (user_code_end - user_code > static_cast<int64_t>(page_bytes)) {
        fail("user code is larger than a page");
    }
    __builtin_memcpy(reinterpret_cast<void*>(virt_of(code)), user_code,
                     static_cast<uint64_t>(user_code_end - user_code));
    const auto entry = [](uint64_t pfn, uint64_t flags) {
        return mfn_of(pfn) * page_bytes | flags;
    };
    map_page(user_code_virt, entry(code, pte::P | pte::US | pte::A));
    map_page(user_data_virt, entry(take_page(), pte::user | pte::NX));
    map_page(user_stack_top - page_bytes, entry(take_page(), pte::user | pte::NX));
}

uint64_t user_address(const char* program) {
    return user_code_virt + static_cast<uint64_t>(program - user_code);
}

UserState user_state(const char* program) {
    UserState state;
    state.rip = user_address(program);
    state.rsp = user_stack_top - 64;
    state.rcx = 0xc0c0c0c0c0c0c0c0;
    state.r11 = 0x1111111111111111;
    state.r8 = 0x0808080808080808;
    state.rbx = 0xb0b0b0b0b0b0b0b0;
    return state;
}

UserState user32_state(const char* program) {
    UserState state = user_state(program);
    state.cs = hv::abi::FLAT_RING3_CS32;
    return state;
}

}  // namespace pv
