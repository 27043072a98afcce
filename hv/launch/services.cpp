// SPDX-License-Identifier: Apache-2.0
#include "hv/launch/services.hpp"

#include "hv/abi/pv_layout.hpp"
#include "hv/abi/service_plan.hpp"
#include "hv/abi/xen_grant_table.hpp"
#include "hv/abi/xen_hvm.hpp"
#include "hv/base/assert.hpp"
#include "hv/domain/domain.hpp"
#include "hv/event/event_channels.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/launch/create.hpp"

#include <array>

namespace hv::hyperlaunch {

namespace {

using abi::HvmParam;
using launch::Role;

struct Service {
    Role role;
    GrantRef grant;   // of the domain that is served
    Gfn page;         // which it shares by that grant
    EvtchnPort port;  // its own
    uint32_t first_port;
    HvmParam page_param;
    HvmParam port_param;
};

constexpr std::array services{
    Service{.role = Role::Console,
            .grant = GrantRef{abi::GNTTAB_RESERVED_CONSOLE},
            .page = console_gfn,
            .port = EvtchnPort{abi::console_port},
            .first_port = abi::console_first_port,
            .page_param = HvmParam::HVM_PARAM_CONSOLE_PFN,
            .port_param = HvmParam::HVM_PARAM_CONSOLE_EVTCHN},
    Service{.role = Role::Xenstore,
            .grant = GrantRef{abi::GNTTAB_RESERVED_XENSTORE},
            .page = xenstore_gfn,
            .port = EvtchnPort{abi::xenstore_port},
            .first_port = abi::xenstore_first_port,
            .page_param = HvmParam::HVM_PARAM_STORE_PFN,
            .port_param = HvmParam::HVM_PARAM_STORE_EVTCHN},
};
static_assert(console_gfn.value() == abi::pv_console_gfn &&
              xenstore_gfn.value() == abi::pv_xenstore_gfn);

domain::Domain* find_holder(Role role) {
    for (domain::Domain* d : domain::all()) {
        if (d->roles.has(role)) {
            return d;
        }
    }
    return nullptr;
}

void map_page(boot::Machine& m, domain::Domain& d, const Service& service) {
    if (d.pv != nullptr && service.page == xenstore_gfn) {
        return;  // every PV domain has that page
    }
    add_special_page(m, d, service.page);
}

void connect(domain::Domain& holder, domain::Domain& d, const Service& service, uint32_t index) {
    ASSERT(event::connect(d, service.port, holder, EvtchnPort{service.first_port + index}).ok());
    grant::seed(d, service.grant, holder.id, service.page);
    d.hvm_params[static_cast<size_t>(service.page_param)] = service.page.value();
    d.hvm_params[static_cast<size_t>(service.port_param)] = service.port.value();
}

}  // namespace

void connect_services(boot::Machine& m) {
    for (const Service& service : services) {
        domain::Domain* const holder = find_holder(service.role);
        uint32_t index = 0;
        for (domain::Domain* d : domain::all()) {
            if (holder != nullptr && d != holder) {
                map_page(m, *d, service);
                connect(*holder, *d, service, index++);
            }
        }
    }
}

}  // namespace hv::hyperlaunch
