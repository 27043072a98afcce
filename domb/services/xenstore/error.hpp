// SPDX-License-Identifier: Apache-2.0
// Error: why a request failed, as the client reads it. The wire carries the name, not a number.
#pragma once

#include "hv/base/result.hpp"

#include <cstdint>
#include <string_view>

namespace xenstore {

// What the client should do differently.
enum class Error : uint8_t {
    Invalid,   // EINVAL: send a well-formed request
    Denied,    // EACCES: ask somebody with the permission
    Exists,    // EEXIST: the same watch is there already
    NotFound,  // ENOENT: no such node, watch, transaction or domain
    NoMemory,  // ENOMEM: its memory quota is used up
    NoSpace,   // ENOSPC: another quota is used up
    Unknown,   // ENOSYS: no such request
    Busy,      // EBUSY: end the transaction first
    Again,     // EAGAIN: start the transaction again: somebody else changed what it used
    TooBig,    // E2BIG: too many watches; or read the directory in parts
    NotOwner,  // EPERM: only the owner, or a privileged client
};

template <class T>
using Result = hv::Result<T, Error>;
using Done = Result<void>;

constexpr std::string_view name_of(Error error) {
    switch (error) {
        case Error::Invalid:
            return "EINVAL";
        case Error::Denied:
            return "EACCES";
        case Error::Exists:
            return "EEXIST";
        case Error::NotFound:
            return "ENOENT";
        case Error::NoMemory:
            return "ENOMEM";
        case Error::NoSpace:
            return "ENOSPC";
        case Error::Unknown:
            return "ENOSYS";
        case Error::Busy:
            return "EBUSY";
        case Error::Again:
            return "EAGAIN";
        case Error::TooBig:
            return "E2BIG";
        case Error::NotOwner:
            return "EPERM";
    }
    return "EINVAL";
}

}  // namespace xenstore
