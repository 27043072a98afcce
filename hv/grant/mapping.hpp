// SPDX-License-Identifier: Apache-2.0
// Mapping grants of other domains into a domain's physmap, and the end of it: by the mapper, or
// because one of the two domains ends. Used by grant_table_op and by teardown.
#pragma once

#include "hv/abi/xen_grant_table.hpp"
#include "hv/base/static_vector.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/physmap.hpp"

#include <cstdint>

namespace hv::grant {

// GNTTABOP_map_grant_ref: fills in the answer. Nothing is held on return; `change` is finished by
// the caller after a batch.
void map(domain::PhysmapChange& change, domain::Domain& mapper, abi::GnttabMapGrantRef& op);

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
};

// Teardown of a domain that is dying and no longer runs: gives back what it has mapped, and takes
// its frames away from everybody else.
void release_all(domain::Domain& domain);

}  // namespace hv::grant
