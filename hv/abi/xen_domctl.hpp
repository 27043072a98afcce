// SPDX-License-Identifier: Apache-2.0
// The operations on other domains that are offered: what became of one, for the role xenstore
// ([xen-pub] domctl.h of Xen 4.21, where it is part of the stable interface; 4.17 does not have
// it); to start and to end one, for the role launcher.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

enum class Domctl : uint32_t {
    XEN_DOMCTL_destroydomain = 2,
    XEN_DOMCTL_unpausedomain = 4,
    XEN_DOMCTL_get_domain_state = 90,
};

inline constexpr uint16_t XEN_DOMCTL_GETDOMSTATE_STATE_EXIST = 1;
inline constexpr uint16_t XEN_DOMCTL_GETDOMSTATE_STATE_SHUTDOWN = 2;
inline constexpr uint16_t XEN_DOMCTL_GETDOMSTATE_STATE_DYING = 4;
inline constexpr uint16_t XEN_DOMCTL_GETDOMSTATE_STATE_DEAD = 8;

inline constexpr uint16_t XEN_DOMCTL_GETDOMSTATE_CAP_CONTROL = 1;
inline constexpr uint16_t XEN_DOMCTL_GETDOMSTATE_CAP_HARDWARE = 2;
inline constexpr uint16_t XEN_DOMCTL_GETDOMSTATE_CAP_XENSTORE = 4;

inline constexpr uint32_t XEN_DOMCTL_INTERFACE_VERSION = 0x15;  // of 4.17

// destroydomain, unpausedomain: nothing follows the common head.
struct DomctlHead {
    uint32_t cmd;
    uint32_t interface_version;  // XEN_DOMCTL_INTERFACE_VERSION
    uint16_t domain;
    uint16_t pad[3];
};
static_assert(sizeof(DomctlHead) == 16);

struct DomctlGetDomainState {
    uint32_t cmd;
    uint32_t interface_version;  // 0, as for all of the stable interface
    uint16_t domain;
    uint16_t pad[3];
    uint16_t state;  // the rest is written
    uint16_t caps;
    uint32_t pad0;
    uint64_t unique_id;
};
static_assert(offsetof(DomctlGetDomainState, state) == 16 && sizeof(DomctlGetDomainState) == 32);

}  // namespace hv::abi
