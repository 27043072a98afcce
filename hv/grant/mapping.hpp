// SPDX-License-Identifier: Apache-2.0
// Mapping grants of other domains into a domain's physmap, and the end of it: by the mapper, or
// because one of the two domains ends. Used by grant_table_op and by teardown.
#pragma once

#include "hv/abi/xen_grant_table.hpp"
#include "hv/base/static_vector.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/physmap.hpp"

#include <cstdint>
#include <optional>

namespace hv::grant {

// GNTTABOP_map_grant_ref: fills in the answer. Nothing is held on return; `change` is finished by
// the caller after a batch.
void map(domain::PhysmapChange& change, domain::Domain& mapper, abi::GnttabMapGrantRef& op);

// The same for a PV guest, whose frames get names of their own: handle n stands for window + n, and
// dev_bus_addr says so. The page-table entry that op.host_addr asks for is the caller's business.
void map_in_window(domain::PhysmapChange& change, domain::Domain& mapper,
                   abi::GnttabMapGrantRef& op, Gfn window);
// What a PV guest holds by a handle, until it has given it back.
struct Held {
    Gfn gfn{};
    bool is_in_entry = false;
};
std::optional<Held> held(domain::Domain& mapper, uint32_t handle);

// Whether what is there is a grant, which ends by unmap_grant_ref alone. With the mapper's lock
// held.
bool is_grant_at(domain::Domain& mapper, Gfn gfn);

// GNTTABOP_unmap_grant_ref for a batch: the grants stay in use until finish(), which flushes once.
class Unmapping {
  public:
    static constexpr size_t max_grants = 32;

    explicit Unmapping(domain::Domain& mapper) : mapper_{mapper} {}
    ~Unmapping() { finish(); }
    Unmapping(const Unmapping&) = delete;
    Unmapping& operator=(const Unmapping&) = delete;

    // Fills in the status. At most max_grants before finish().
    void unmap(abi::GnttabUnmapGrantRef& op);
    void finish();

  private:
    domain::Domain& mapper_;
    StaticVector<uint32_t, max_grants> handles_;
    bool needs_flush_ = false;
};

// Teardown of a domain that is dying and no longer runs: gives back what it has mapped, and takes
// its frames away from everybody else, who find their substitute there.
void release_all(domain::Domain& domain);

}  // namespace hv::grant
