// SPDX-License-Identifier: Apache-2.0
// The Xenstore wire protocol: messages, their types, and the ring page. [xen-pub] io/xs_wire.h;
// what 4.17's header lacks is from the protocol's documents of Xen 4.21.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

enum class XsType : uint32_t {
    XS_CONTROL = 0,
    XS_DIRECTORY = 1,
    XS_READ = 2,
    XS_GET_PERMS = 3,
    XS_WATCH = 4,
    XS_UNWATCH = 5,
    XS_TRANSACTION_START = 6,
    XS_TRANSACTION_END = 7,
    XS_INTRODUCE = 8,
    XS_RELEASE = 9,
    XS_GET_DOMAIN_PATH = 10,
    XS_WRITE = 11,
    XS_MKDIR = 12,
    XS_RM = 13,
    XS_SET_PERMS = 14,
    XS_WATCH_EVENT = 15,
    XS_ERROR = 16,
    XS_IS_DOMAIN_INTRODUCED = 17,
    XS_RESUME = 18,
    XS_SET_TARGET = 19,
    XS_RESET_WATCHES = 21,
    XS_DIRECTORY_PART = 22,
    XS_GET_FEATURE = 23,  // this and the rest: Xen 4.21
    XS_SET_FEATURE = 24,
    XS_GET_QUOTA = 25,
    XS_SET_QUOTA = 26,
};

// Before each payload, in both directions.
struct XsdSockmsg {
    uint32_t type;    // 00  XsType
    uint32_t req_id;  // 04  comes back with the reply
    uint32_t tx_id;   // 08  0: outside of transactions
    uint32_t len;     // 0c  of the payload
};
static_assert(sizeof(XsdSockmsg) == 16);

inline constexpr uint32_t XENSTORE_PAYLOAD_MAX = 4096;
inline constexpr uint32_t XENSTORE_ABS_PATH_MAX = 3072;
inline constexpr uint32_t XENSTORE_REL_PATH_MAX = 2048;

// In a page of the guest. Indices run freely; position = index & (XENSTORE_RING_SIZE - 1).
inline constexpr uint32_t XENSTORE_RING_SIZE = 1024;
struct XenstoreDomainInterface {
    char req[XENSTORE_RING_SIZE];  // 000  to the server
    char rsp[XENSTORE_RING_SIZE];  // 400  to the guest
    uint32_t req_cons;             // 800
    uint32_t req_prod;             // 804
    uint32_t rsp_cons;             // 808
    uint32_t rsp_prod;             // 80c
    uint32_t server_features;      // 810
    uint32_t connection;           // 814
    uint32_t error;                // 818
    uint32_t evtchn_port;          // 81c  Xen 4.21: written by whoever made the domain
};
static_assert(sizeof(XenstoreDomainInterface) == 0x820 &&
              offsetof(XenstoreDomainInterface, req_cons) == 0x800);

inline constexpr uint32_t XENSTORE_SERVER_FEATURE_RECONNECTION = 1;
inline constexpr uint32_t XENSTORE_SERVER_FEATURE_ERROR = 2;

inline constexpr uint32_t XENSTORE_CONNECTED = 0;
inline constexpr uint32_t XENSTORE_RECONNECT = 1;  // set by the guest, cleared by the server

inline constexpr uint32_t XENSTORE_ERROR_NONE = 0;
inline constexpr uint32_t XENSTORE_ERROR_COMM = 1;
inline constexpr uint32_t XENSTORE_ERROR_RINGIDX = 2;
inline constexpr uint32_t XENSTORE_ERROR_PROTO = 3;

}  // namespace hv::abi
