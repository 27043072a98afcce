// SPDX-License-Identifier: Apache-2.0
#include "hv/grant/copy.hpp"

#include "hv/abi/xen_hypercall.hpp"
#include "hv/domain/domain_locks.hpp"
#include "hv/domain/physmap.hpp"
#include "hv/grant/use.hpp"
#include "hv/mm/direct_map.hpp"

#include <cstring>
#include <optional>

namespace hv::grant {

namespace {

// One end of a copy; its frame is pinned while it exists. Under the locks of both domains.
class End {
  public:
    static Result<domain::Domain*, GrantStatus> domain_of(domain::Domain& caller,
                                                          const abi::GnttabCopyPtr& ptr,
                                                          bool is_grant) {
        const bool is_self = ptr.domid == abi::DOMID_SELF;
        if (!is_grant) {
            // Frame numbers are for own pages only.
            if (!is_self) {
                return Err{GrantStatus::GNTST_permission_denied};
            }
            return &caller;
        }
        domain::Domain* found = is_self ? &caller : domain::find(DomainId{ptr.domid});
        if (found == nullptr || found->is_dying.load() || found->grants == nullptr) {
            return Err{GrantStatus::GNTST_bad_domain};
        }
        return found;
    }

    End(domain::Domain& owner, const abi::GnttabCopyPtr& ptr, bool is_grant, DomainId caller,
        bool write)
        : owner_{owner}, ref_{ptr.u.ref}, offset_{ptr.offset}, is_grant_{is_grant}, write_{write} {
        if (!is_grant_) {
            mfn_ = domain::own_ram(owner_, Gfn{ptr.u.gmfn});
            return;
        }
        auto acquired = acquire(owner_, ref_, caller, write_);
        if (acquired.ok()) {
            mfn_ = acquired.take();
        } else {
            status_ = acquired.error();
        }
    }
    ~End() {
        if (is_grant_ && mfn_) {
            release(owner_, ref_, write_);
        }
    }
    End(const End&) = delete;
    End& operator=(const End&) = delete;

    [[nodiscard]] bool ok() const { return mfn_.has_value(); }
    [[nodiscard]] GrantStatus status() const { return status_; }
    [[nodiscard]] std::byte* bytes() const { return mm::direct_map(*mfn_) + offset_; }

  private:
    domain::Domain& owner_;
    GrantRef ref_;
    uint16_t offset_;
    bool is_grant_;
    bool write_;
    std::optional<Mfn> mfn_;
    GrantStatus status_ = GrantStatus::GNTST_bad_page;
};

bool crosses_page(const abi::GnttabCopyPtr& ptr, uint16_t len) {
    return uint32_t{ptr.offset} + len > page_size;
}

Result<void, GrantStatus> try_copy(domain::Domain& caller, const abi::GnttabCopy& op) {
    if (crosses_page(op.source, op.len) || crosses_page(op.dest, op.len)) {
        return Err{GrantStatus::GNTST_bad_copy_arg};
    }
    const bool from_grant = (op.flags & abi::GNTCOPY_source_gref) != 0;
    const bool to_grant = (op.flags & abi::GNTCOPY_dest_gref) != 0;
    domain::Domain* from = TRY(End::domain_of(caller, op.source, from_grant));
    domain::Domain* to = TRY(End::domain_of(caller, op.dest, to_grant));

    const domain::DomainLocks locks{caller, *from, *to};
    if (from->is_dying.load() || to->is_dying.load()) {
        return Err{GrantStatus::GNTST_bad_domain};
    }
    const End source{*from, op.source, from_grant, caller.id, false};
    if (!source.ok()) {
        return Err{source.status()};
    }
    const End dest{*to, op.dest, to_grant, caller.id, true};
    if (!dest.ok()) {
        return Err{dest.status()};
    }
    std::memmove(dest.bytes(), source.bytes(), op.len);
    return Ok{};
}

}  // namespace

GrantStatus copy(domain::Domain& caller, const abi::GnttabCopy& op) {
    const auto copied = try_copy(caller, op);
    return copied.ok() ? GrantStatus::GNTST_okay : copied.error();
}

}  // namespace hv::grant
