// SPDX-License-Identifier: Apache-2.0
// Errno: why a hypercall failed; the guest sees the value negated. [xen-pub] errno.h.
#pragma once

#include <cstdint>

namespace hv::abi {

enum class Errno : int32_t {
    XEN_EPERM = 1,
    XEN_ENOENT = 2,
    XEN_ESRCH = 3,
    XEN_EIO = 5,
    XEN_ENXIO = 6,
    XEN_E2BIG = 7,
    XEN_EAGAIN = 11,
    XEN_ENOMEM = 12,
    XEN_EACCES = 13,
    XEN_EFAULT = 14,
    XEN_EBUSY = 16,
    XEN_EEXIST = 17,
    XEN_EXDEV = 18,
    XEN_ENODEV = 19,
    XEN_EINVAL = 22,
    XEN_ENOSPC = 28,
    XEN_ERANGE = 34,
    XEN_EDEADLK = 35,
    XEN_ENOSYS = 38,
    XEN_ENODATA = 61,
    XEN_ETIME = 62,
    XEN_EOVERFLOW = 75,
    XEN_ERESTART = 85,  // never reaches a guest: the call goes on when its vCPU runs again
    XEN_EOPNOTSUPP = 95,
};

}  // namespace hv::abi
