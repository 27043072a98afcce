// SPDX-License-Identifier: Apache-2.0
#include "hv/hypercall/call.hpp"

#include "hv/abi/xen_hypercall.hpp"
#include "hv/domain/rights.hpp"

namespace hv::hypercall {

Errno to_errno(domain::CopyFault) {
    return Errno::XEN_EFAULT;
}

Errno to_errno(domain::PhysmapError error) {
    switch (error) {
        case domain::PhysmapError::BadGfn:
        case domain::PhysmapError::NotOwn:
            break;
        case domain::PhysmapError::NotMapped:
            return Errno::XEN_ENOENT;
        case domain::PhysmapError::Pinned:
        case domain::PhysmapError::Occupied:
            return Errno::XEN_EBUSY;
        case domain::PhysmapError::NoTables:
            return Errno::XEN_ENOMEM;
    }
    return Errno::XEN_EINVAL;
}

Errno to_errno(event::Error error) {
    switch (error) {
        case event::Error::BadPort:
        case event::Error::BadVirq:
        case event::Error::BadAddress:
        case event::Error::HasControl:
        case event::Error::BadPriority:
            break;
        case event::Error::BadVcpu:
            return Errno::XEN_ENOENT;
        case event::Error::DomainGone:
            return Errno::XEN_ESRCH;
        case event::Error::AlreadyUsed:
            return Errno::XEN_EEXIST;
        case event::Error::NoPort:
            return Errno::XEN_ENOSPC;
        case event::Error::NotFifo:
            return Errno::XEN_EOPNOTSUPP;
        case event::Error::NoPriorities:
            return Errno::XEN_ENOSYS;
    }
    return Errno::XEN_EINVAL;
}

Errno to_errno(pv::TableError error) {
    switch (error) {
        case pv::TableError::BadFrame:
        case pv::TableError::BadEntry:
        case pv::TableError::BadSlot:
            break;
        case pv::TableError::NotDone:
            return Errno::XEN_ERESTART;
    }
    return Errno::XEN_EINVAL;
}

Errno to_errno(pv::FrameError) {
    return Errno::XEN_EINVAL;
}

Errno to_errno(pv::ExchangeError error) {
    switch (error) {
        case pv::ExchangeError::NotOwn:
            break;
        case pv::ExchangeError::NotDone:
            return Errno::XEN_ERESTART;
        case pv::ExchangeError::NoName:
        case pv::ExchangeError::NoTables:
            return Errno::XEN_ENOMEM;
    }
    return Errno::XEN_EINVAL;
}

Errno to_errno(pv::StartError) {
    return Errno::XEN_EINVAL;
}

namespace {

bool is_self(const Call& call, uint16_t domid) {
    return domid == abi::DOMID_SELF || DomainId{domid} == call.domain().id;
}

}  // namespace

Result<void, Errno> require_self(const Call& call, uint16_t domid) {
    if (is_self(call, domid)) {
        return Ok{};
    }
    return fail(domain::find(DomainId{domid}) == nullptr ? Errno::XEN_ESRCH : Errno::XEN_EPERM);
}

Result<domain::Domain*, Errno> find_other(const Call& call, uint16_t domid) {
    domain::Domain* const found =
        is_self(call, domid) ? &call.domain() : domain::find(DomainId{domid});
    if (found == nullptr || found->is_dying.load()) {
        return fail(Errno::XEN_ESRCH);
    }
    return found;
}

Result<domain::Domain*, Errno> find_controlled(const Call& call, uint16_t domid) {
    domain::Domain* const found = domain::find(DomainId{domid});
    if (found == nullptr) {
        return fail(Errno::XEN_ESRCH);
    }
    if (!domain::controls(call.domain(), *found)) {
        return fail(Errno::XEN_EPERM);
    }
    if (found->is_dying.load()) {
        return fail(Errno::XEN_ESRCH);
    }
    return found;
}

Result<domain::Domain*, Errno> self_or_under_construction(const Call& call, uint16_t domid) {
    if (is_self(call, domid)) {
        return &call.domain();
    }
    domain::Domain* const found = domain::find(DomainId{domid});
    if (found == nullptr) {
        return fail(Errno::XEN_ESRCH);
    }
    if (!call.domain().is_builder || found->state != domain::State::UnderConstruction) {
        return fail(Errno::XEN_EPERM);
    }
    return found;
}

}  // namespace hv::hypercall
