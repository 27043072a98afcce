// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/pv/table_plan.hpp"

#include "hv/base/assert.hpp"

namespace builder::pv {

uint64_t TablePlan::add(const VirtualArea& area, Pfn first) {
    ASSERT(area.pages > 0);
    uint64_t added = 0;
    for (unsigned level = 4; level > 0; --level) {
        uint64_t low = area.first_page() >> 9 * level;
        uint64_t end = ((area.end_page() - 1) >> 9 * level) + 1;
        // Areas do not overlap, so they share at most the table at one end.
        while (low < end && find({level, low})) {
            ++low;
        }
        while (low < end && find({level, end - 1})) {
            --end;
        }
        if (low < end) {
            ASSERT(runs_.push({level, low, {first + added, end - low}}).ok());
            added += end - low;
        }
    }
    return added;
}

std::optional<Pfn> TablePlan::find(TableName table) const {
    for (const Run& run : runs_) {
        if (run.level == table.level && table.number >= run.first_number &&
            table.number - run.first_number < run.pages.count) {
            return run.pages.first + (table.number - run.first_number);
        }
    }
    return std::nullopt;
}

TableName TablePlan::name_of(Pfn pfn) const {
    for (const Run& run : runs_) {
        if (run.pages.contains(pfn)) {
            return {run.level, run.first_number + (pfn - run.pages.first)};
        }
    }
    ASSERT(false);
    return {};
}

}  // namespace builder::pv
